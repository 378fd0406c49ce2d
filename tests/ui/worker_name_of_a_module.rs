use reacton::prelude::*;

mod counter {
    pub const STEP: u32 = 2;
}

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += counter::STEP);
}

fn main() {}
