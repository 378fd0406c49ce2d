//! Functions that are generic over the reacton.

use reacton::prelude::*;

#[reacton]
static A: u32 = 0;

fn bump<R: Writable<Value = u32>>(store: &ReactonStore, reacton: &R) {
    store.update(reacton, |n| *n += 1);
}

fn double<R: Readable<Value = u32>>(store: &ReactonStore, reacton: &R) -> u32 {
    store.get(reacton) * 2
}

fn main() {
    let store = ReactonStore::new();
    let local = store.reacton(1);
    bump(&store, &A);
    bump(&store, &local);
    assert_eq!((double(&store, &A), double(&store, &local)), (2, 4));
}
