use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    let mut sum = 0;
    store.subscribe(&COUNT, |_, count| sum += count);
    store.set(&COUNT, 1);
}
