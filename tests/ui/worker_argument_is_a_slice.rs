use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, steps: &[u32]) {
    store.set(&COUNT, steps.iter().sum());
}

fn main() {}
