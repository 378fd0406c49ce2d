use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

#[worker(answers = [&DRAW, draw(), DRAW.name()])]
fn answers(_: &ReactonStore) {}

fn main() {}
