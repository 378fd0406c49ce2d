use reacton::prelude::*;

static DRAW: Call<u32, u32>;

fn main() {}
