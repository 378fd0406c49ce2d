use reacton::prelude::*;

#[reacton]
static COUNT: _ = 0_u32;

fn main() {}
