use reacton::prelude::*;

#[reacton(transferable)]
static PICTURE: Vec<u8> = Vec::new();

fn main() {}
