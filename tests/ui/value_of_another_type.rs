use reacton::prelude::*;

#[reacton]
static NAME: String = "nobody";

fn main() {}
