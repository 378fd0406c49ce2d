use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

fn main() {
    let store = ReactonStore::new();
    let total = store.computed(|cx| cx.get(&PRICE) * 2);
    store.set(&total, 30);
}
