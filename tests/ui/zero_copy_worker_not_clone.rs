use reacton::prelude::*;

#[derive(PartialEq)]
struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURE: Picture = Picture { pixels: Vec::new() };

#[worker(shared = [PICTURE], zero_copy)]
fn loader(store: &ReactonStore) {
    store.set(
        &PICTURE,
        Picture {
            pixels: vec![1, 2, 3],
        },
    );
}

fn main() {}
