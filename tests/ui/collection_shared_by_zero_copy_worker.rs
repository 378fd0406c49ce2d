//! A collection in the list of a worker that hands all values over by reference count.

use reacton::prelude::*;

#[reacton]
static DONE: Counter = Counter::new();

#[worker(shared = [DONE], zero_copy)]
fn importer(store: &ReactonStore) {
    store.update(&DONE, |done| done.add(1));
}

fn main() {}
