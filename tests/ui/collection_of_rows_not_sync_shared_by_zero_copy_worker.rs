//! A collection in the list of a worker that hands all values over by reference count, whose rows two threads cannot hold.

use std::cell::Cell;

use reacton::prelude::*;

#[reacton]
static CELLS: ReactonMap<u32, Cell<u8>> = ReactonMap::new();

#[worker(shared = [CELLS], zero_copy)]
fn importer(store: &ReactonStore) {
    store.update(&CELLS, |cells| cells.insert(1, Cell::new(1)));
}

fn main() {}
