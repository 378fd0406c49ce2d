use reacton::prelude::*;

#[reacton]
static SCORE: Family<i64> = |_| 0;

fn main() {}
