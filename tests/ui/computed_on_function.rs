use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

#[computed]
fn total(cx: &Reader<'_>) -> u32 {
    cx.get(&PRICE) * 2
}

fn main() {}
