use reacton::prelude::*;

#[reacton(id = 5)]
static COUNT: u32 = 0;

fn main() {}
