use reacton::prelude::*;

#[reacton]
static COUNT: u32;

fn main() {
    let store = ReactonStore::new();
    println!("{}", store.get(&COUNT));
}
