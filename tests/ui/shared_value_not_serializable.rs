use reacton::prelude::*;

#[derive(Clone, PartialEq)]
struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PATH: String = String::new();
#[reacton]
static PICTURE: Picture = Picture { pixels: Vec::new() };

#[worker(shared = [PATH, PICTURE])]
fn loader(store: &ReactonStore) {
    store.subscribe(&PATH, |store, path| {
        let pixels = path.clone().into_bytes();
        store.set(&PICTURE, Picture { pixels });
    });
}

fn main() {}
