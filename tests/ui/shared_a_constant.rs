use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

const LIMIT: u32 = 9;

#[worker(shared = [COUNT, LIMIT])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() {}
