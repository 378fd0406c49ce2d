use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[computed]
static TWICE: u32 = async |cx| cx.get(&COUNT) * 2;

fn main() {}
