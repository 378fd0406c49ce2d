use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

const IMAGES: Group = group![PATH, THEME];

#[worker(shared = [IMAGES])]
fn worker(store: &ReactonStore) {
    store.set(&PATH, String::new());
}

fn main() {}
