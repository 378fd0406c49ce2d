use reacton::prelude::*;
use std::rc::Rc;

#[derive(Clone, PartialEq)]
struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURE: Picture = Picture { pixels: Vec::new() };
#[reacton]
static TITLE: Option<Rc<str>> = None;
#[computed]
static LENGTH: usize = |cx| cx.with(&PICTURE, |picture| picture.pixels.len());

#[worker(shared = [PICTURE, TITLE, LENGTH])]
fn loader(store: &ReactonStore) {
    println!("{}", store.get(&LENGTH));
}

fn main() {}
