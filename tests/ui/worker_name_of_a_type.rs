use reacton::prelude::*;

#[allow(non_camel_case_types)]
struct counter {
    step: u32,
}

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, step: u32) {
    store.update(&COUNT, |n| *n += step);
}

fn main() {}
