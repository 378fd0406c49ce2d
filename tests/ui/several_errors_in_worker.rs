use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shard = [COUNT], delivery = newest)]
unsafe extern "C" fn counter<const STEP: u32>(store: ReactonStore, name: &str) {
    println!("{name}");
    store.update(&COUNT, |n| *n += STEP);
}

fn main() {}
