use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[computed]
static SUM: u32 = |cx, more| cx.get(&COUNT) + more;

fn main() {}
