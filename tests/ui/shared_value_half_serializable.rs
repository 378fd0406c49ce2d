use reacton::prelude::*;
use serde::Serialize;

#[derive(Clone, PartialEq, Serialize)]
struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURE: Picture = Picture { pixels: Vec::new() };

#[worker(shared = [PICTURE])]
fn loader(store: &ReactonStore) {
    store.set(
        &PICTURE,
        Picture {
            pixels: vec![1, 2, 3],
        },
    );
}

fn main() {}
