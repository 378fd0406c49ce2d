use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[derive(PartialEq)]
struct Picture;

#[reacton(zero_copy, id = "picture")]
static PICTURE: Picture = Picture;

fn main() {
    let _ = Persist::new(saved![PICTURE]);
}
