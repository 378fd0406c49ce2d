use reacton::prelude::*;

#[reacton(zero_copy(true))]
static PICTURE: Vec<u8> = Vec::new();

fn main() {}
