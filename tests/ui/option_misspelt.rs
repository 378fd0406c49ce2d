use reacton::prelude::*;

#[reacton(zerocopy)]
static PICTURE: Vec<u8> = Vec::new();

fn main() {}
