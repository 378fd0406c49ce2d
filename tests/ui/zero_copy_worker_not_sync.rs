use reacton::prelude::*;
use std::cell::Cell;

#[reacton]
static VISITS: Cell<u32> = Cell::new(0);

#[worker(shared = [VISITS], zero_copy)]
fn counter(store: &ReactonStore) {
    store.subscribe(&VISITS, |_, visits| println!("{}", visits.get()));
}

fn main() {}
