use reacton::prelude::*;

#[reacton]
const COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.set(&COUNT, 1);
}
