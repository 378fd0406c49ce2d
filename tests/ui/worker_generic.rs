use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter<T: Into<u32> + Send + 'static>(store: &ReactonStore, step: T) {
    store.set(&COUNT, step.into());
}

fn main() {}
