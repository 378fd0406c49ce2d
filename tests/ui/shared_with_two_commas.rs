use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[reacton]
static STEP: u32 = 1;

#[worker(shared = [COUNT,, STEP])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() {}
