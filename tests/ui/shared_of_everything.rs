use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [*])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() {}
