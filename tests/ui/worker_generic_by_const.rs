use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter<const STEP: u32>(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += STEP);
}

fn main() {}
