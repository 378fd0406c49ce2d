use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, step: impl Into<u32> + Send + 'static) {
    store.set(&COUNT, step.into());
}

fn main() {}
