use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, main: ReactonStore) {
    main.set(&COUNT, store.get(&COUNT) + 1);
}

fn main() {}
