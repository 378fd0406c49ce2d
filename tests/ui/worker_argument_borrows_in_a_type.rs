use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, steps: std::slice::Iter<'_, u32>) {
    store.set(&COUNT, steps.sum());
}

fn main() {}
