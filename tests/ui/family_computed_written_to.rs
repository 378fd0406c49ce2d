use reacton::prelude::*;

#[computed]
static SQUARE: Family<u32, u32> = |_, n| n * n;

fn main() {
    ReactonStore::new().set(&SQUARE.of(3), 9);
}
