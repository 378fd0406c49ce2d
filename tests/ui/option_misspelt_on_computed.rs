use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[computed(idd = "app::twice")]
static TWICE: u32 = |cx| cx.get(&COUNT) * 2;

fn main() {}
