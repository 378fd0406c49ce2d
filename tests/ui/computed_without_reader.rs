use reacton::prelude::*;

#[computed]
static TOTAL: u32 = || 5;

fn main() {
    println!("{}", ReactonStore::new().get(&TOTAL));
}
