use reacton::prelude::*;

#[computed]
static SQUARE: Family<u32, u32> = |n| n * n;

fn main() {
    println!("{}", ReactonStore::new().get(&SQUARE.of(3)));
}
