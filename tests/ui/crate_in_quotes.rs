use reacton::prelude::*;

#[reacton(crate = "reacton")]
static COUNT: u32 = 0;

fn main() {}
