use reacton::prelude::*;

#[reacton(eq = "never")]
static CLICKS: u32 = 0;

fn main() {}
