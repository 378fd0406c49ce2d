use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) -> u32 {
    store.get(&COUNT) + 1
}

fn main() {}
