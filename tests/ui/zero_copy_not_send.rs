use reacton::prelude::*;
use std::rc::Rc;

#[derive(PartialEq)]
struct Picture {
    pixels: Rc<[u8]>,
}

#[reacton(zero_copy)]
static PICTURE: Option<Picture> = None;

fn main() {
    let store = ReactonStore::new();
    let picture = Picture {
        pixels: Rc::new([1, 2, 3]),
    };
    store.set(&PICTURE, Some(picture));
    println!(
        "{}",
        store.with(&PICTURE, |picture| picture
            .as_ref()
            .map_or(0, |p| p.pixels.len()))
    );
}
