//! Changes of a reacton that holds no collection.

use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.subscribe_changes(&COUNT, |_, _| ());
}
