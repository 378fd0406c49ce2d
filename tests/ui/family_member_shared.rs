use reacton::prelude::*;

#[reacton]
static SCORE: Family<u32, i64> = |_| 0;

#[worker(shared = [SCORE.of(1)])]
fn referee(store: &ReactonStore) {
    store.set(&SCORE.of(1), 10);
}

fn main() {}
