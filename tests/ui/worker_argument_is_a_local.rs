use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, total: LocalReacton<u32>) {
    store.set(&total, store.get(&COUNT));
}

fn main() {}
