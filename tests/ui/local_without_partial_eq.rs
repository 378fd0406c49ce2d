use reacton::prelude::*;

struct Picture {
    pixels: Vec<u8>,
}

fn main() {
    let store = ReactonStore::new();
    let picture = store.reacton(Picture { pixels: Vec::new() });
    println!("{}", store.with(&picture, |picture| picture.pixels.len()));
}
