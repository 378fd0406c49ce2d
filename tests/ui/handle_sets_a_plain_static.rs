use reacton::prelude::*;

static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.handle().set(&COUNT, 1);
}
