use reacton::prelude::*;

struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURE: Picture = Picture { pixels: Vec::new() };

fn main() {
    let store = ReactonStore::new();
    println!("{}", store.with(&PICTURE, |picture| picture.pixels.len()));
}
