use reacton::prelude::*;

#[derive(PartialEq)]
struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURE: Picture = Picture { pixels: Vec::new() };

fn main() {
    let store = ReactonStore::new();
    store.update(&PICTURE, |picture| picture.pixels.push(1));
}
