use reacton::prelude::*;
use std::cell::Cell;

#[reacton(zero_copy)]
static VISITS: Cell<u32> = Cell::new(0);

fn main() {
    let store = ReactonStore::new();
    store.with(&VISITS, |visits| visits.set(visits.get() + 1));
}
