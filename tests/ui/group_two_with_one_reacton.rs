use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

const IMAGES: Group = group![PATH, THEME];
const COLORS: Group = group![THEME];

#[worker(shared = [..IMAGES, ..COLORS])]
fn worker(store: &ReactonStore) {
    store.set(&THEME, 1);
}

const BOTH: Group = group![..IMAGES, ..COLORS];

fn main() {}
