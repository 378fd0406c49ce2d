use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

#[computed]
static LABEL: String = |cx| cx.get(&PRICE) * 2;

fn main() {}
