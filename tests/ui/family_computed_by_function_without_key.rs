use reacton::prelude::*;

#[computed]
static SQUARE: Family<u32, u32> = square;

fn square(_: &Reader<'_>) -> u32 {
    4
}

fn main() {
    println!("{}", ReactonStore::new().get(&SQUARE.of(3)));
}
