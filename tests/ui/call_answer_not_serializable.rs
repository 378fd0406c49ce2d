use reacton::prelude::*;

struct Picture;

#[call]
static DRAW: Call<u32, Result<Picture, String>>;

fn main() {}
