use reacton::prelude::*;

#[call(zero_cpy)]
static DRAW: Call<u32, u32>;

#[call(eq = never)]
static PAINT: Call<u32, u32>;

fn main() {}
