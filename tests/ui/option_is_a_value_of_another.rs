use reacton::prelude::*;

#[reacton(never)]
static CLICKS: u32 = 0;

fn main() {}
