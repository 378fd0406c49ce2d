use reacton::prelude::*;

#[derive(Clone, PartialEq)]
struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURES: Vec<Option<Picture>> = Vec::new();

#[worker(shared = [PICTURES])]
fn loader(store: &ReactonStore) {
    let pixels = vec![1, 2, 3];
    store.set(&PICTURES, vec![Some(Picture { pixels })]);
}

fn main() {}
