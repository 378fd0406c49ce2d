use reacton::prelude::*;

static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.update(&COUNT, |count| *count += 1);
}
