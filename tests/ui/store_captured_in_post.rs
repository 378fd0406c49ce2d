use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    let handle = store.handle();
    let there = store.clone();
    handle.post(move |_| there.set(&COUNT, 1));
    store.pump();
}
