use reacton::prelude::*;

#[reacton(eq = nevr)]
static CLICKS: u32 = 0;

fn main() {}
