use reacton::prelude::*;

#[call]
static DRAW: Call<&'static str, Vec<&'static str>>;

fn main() {}
