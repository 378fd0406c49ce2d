use reacton::prelude::*;

#[reacton(crate = nowhere)]
static COUNT: u32 = 0;

fn main() {}
