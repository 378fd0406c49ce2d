use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, step: dyn Fn(u32) -> u32 + Send) {
    store.set(&COUNT, step(1));
}

fn main() {}
