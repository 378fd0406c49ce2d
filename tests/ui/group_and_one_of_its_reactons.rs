use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

const IMAGES: Group = group![PATH, THEME];

#[worker(shared = [..IMAGES, THEME])]
fn worker(store: &ReactonStore) {
    store.set(&THEME, 1);
}

fn main() {}
