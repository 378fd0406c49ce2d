use reacton::prelude::*;

static SCORE: Family<u32, i64> = |_| 0;

fn main() {}
