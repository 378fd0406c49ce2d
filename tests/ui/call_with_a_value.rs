use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32> = |n| n + 1;

fn main() {}
