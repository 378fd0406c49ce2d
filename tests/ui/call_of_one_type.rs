use reacton::prelude::*;

#[call]
static DRAW: Call<u32>;

fn main() {}
