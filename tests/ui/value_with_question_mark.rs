use reacton::prelude::*;

#[reacton]
static COUNT: u32 = "7".parse()?;

fn main() {}
