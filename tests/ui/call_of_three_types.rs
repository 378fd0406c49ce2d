use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32, ZeroCopy>;

fn main() {}
