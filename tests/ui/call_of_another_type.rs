use reacton::prelude::*;

#[call]
static DRAW: fn(u32) -> u32;

fn main() {}
