use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn limit() -> u32 {
    9
}

#[worker(shared = [COUNT, limit])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() {}
