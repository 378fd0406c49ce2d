use reacton::prelude::*;

#[reacton(zero_copy)]
static TILE: Family<u32, Vec<u8>> = |_| Vec::new();

fn main() {}
