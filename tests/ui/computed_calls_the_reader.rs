use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

#[computed]
static TOTAL: u32 = |get| get(&PRICE) * 2;

fn main() {}
