use reacton::prelude::*;

#[reacton]
static NAME: str = *"nobody";

fn main() {}
