use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

#[computed]
static TOTAL: u32 = |cx| cx.get(&PRICE) * 2;

fn main() {
    let store = ReactonStore::new();
    store.update(&TOTAL, |total| *total += 1);
}
