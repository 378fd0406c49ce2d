use reacton::prelude::*;

#[call]
const DRAW: Call<u32, u32>;

fn main() {}
