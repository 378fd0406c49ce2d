use reacton::prelude::*;

struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURES: Vec<Picture> = Vec::new();

fn main() {
    let store = ReactonStore::new();
    println!(
        "{}",
        store.with(&PICTURES, |pictures| pictures[0].pixels.len())
    );
}
