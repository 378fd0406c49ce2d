use reacton::prelude::*;

struct Picture {
    pixels: Vec<u8>,
}

#[computed]
static TILE: Family<u32, Picture> = |_, _| Picture { pixels: Vec::new() };

fn main() {
    let store = ReactonStore::new();
    println!("{}", store.with(&TILE.of(1), |tile| tile.pixels.len()));
}
