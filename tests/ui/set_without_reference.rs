use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.set(COUNT, 1);
}
