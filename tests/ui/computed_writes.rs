use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

#[computed]
static TOTAL: u32 = |cx| {
    cx.set(&PRICE, 11);
    cx.get(&PRICE) * 2
};

fn main() {}
