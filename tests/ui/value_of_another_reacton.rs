use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[reacton]
static OTHER: u32 = COUNT;

fn main() {}
