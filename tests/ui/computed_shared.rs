use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

#[computed]
static TOTAL: u32 = |cx| cx.get(&PRICE) * 2;

#[worker(shared = [PRICE, TOTAL])]
fn printer(store: &ReactonStore) {
    store.subscribe(&TOTAL, |_, total| println!("{total}"));
}

fn main() {}
