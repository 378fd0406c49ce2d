use reacton::prelude::*;

#[reacton]
static COUNT = 0;

fn main() {}
