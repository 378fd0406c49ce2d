use reacton::prelude::*;
use std::rc::Rc;

#[reacton]
static TILES: Vec<Rc<u8>> = Vec::new();

#[worker(shared = [TILES])]
fn loader(store: &ReactonStore) {
    store.set(&TILES, vec![Rc::new(1)]);
}

fn main() {}
