use reacton::prelude::*;

#[reacton]
static SCORE: Family<u32, i64> = || 0;

fn main() {}
