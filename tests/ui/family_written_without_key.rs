use reacton::prelude::*;

#[reacton]
static SCORE: Family<u32, i64> = |_| 0;

fn main() {
    let store = ReactonStore::new();
    store.set(&SCORE, 5);
}
