use reacton::prelude::*;

#[reacton]
static COUNT: i32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.subscribe(&COUNT, |store, count| store.get(&COUNT) + count);
}
