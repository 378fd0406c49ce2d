use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;
#[reacton]
static STEP: u32 = 1;

#[worker(shared = [STEP, out COUNT, in])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += store.get(&STEP));
}

fn main() {}
