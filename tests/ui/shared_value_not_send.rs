use reacton::prelude::*;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Picture {
    pixels: Vec<u8>,
    #[serde(skip)]
    preview: Option<Rc<[u8]>>,
}

#[reacton]
static PICTURE: Option<Picture> = None;

#[worker(shared = [PICTURE])]
fn loader(store: &ReactonStore) {
    let (pixels, preview) = (vec![1, 2, 3], None);
    store.set(&PICTURE, Some(Picture { pixels, preview }));
}

fn main() {}
