use std::cell::Cell;

use reacton::prelude::*;

#[reacton(eq = never)]
static SCORE: Family<u32, Cell<i64>> = |_| Cell::new(0);

#[worker(shared = [SCORE], zero_copy)]
fn referee(store: &ReactonStore) {
    store.set(&SCORE.of(1), Cell::new(10));
}

fn main() {}
