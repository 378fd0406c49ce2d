use reacton::prelude::*;

#[reacton]
#[reacton]
static COUNT: u32 = 0;

fn main() {
    println!("{}", ReactonStore::new().get(&COUNT));
}
