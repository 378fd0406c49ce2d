use reacton::prelude::*;

#[reacton(id)]
static COUNT: u32 = 0;

fn main() {}
