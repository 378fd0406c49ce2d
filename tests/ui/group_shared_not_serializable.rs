use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

#[derive(Clone, PartialEq)]
struct Picture(Vec<u8>);

#[reacton]
static PICTURE: Picture = Picture(Vec::new());

const IMAGES: Group = group![PATH, PICTURE];

#[worker(shared = [THEME, ..IMAGES])]
fn worker(store: &ReactonStore) {
    store.set(&THEME, 1);
}

fn main() {}
