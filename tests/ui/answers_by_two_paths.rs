use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

#[call(id = "pictures")]
static PAINT: Call<u32, u32>;

#[call(id = "pictures")]
static SKETCH: Call<u32, u32>;

#[worker(answers = [DRAW, self::DRAW, PAINT, SKETCH])]
fn answers(_: &ReactonStore) {}

fn main() {}
