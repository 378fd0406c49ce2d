use reacton::prelude::*;

#[reacton(id = "app::count")]
static APPLES: u32 = 0;
#[reacton(id = "app::count")]
static PEARS: u32 = 0;

#[worker(shared = [APPLES, PEARS])]
fn counter(store: &ReactonStore) {
    store.set(&PEARS, store.get(&APPLES));
}

fn main() {}
