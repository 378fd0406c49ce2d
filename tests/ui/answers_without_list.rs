use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

#[worker(answers = DRAW)]
fn draws(_: &ReactonStore) {}

#[worker(answer = [DRAW])]
fn paints(_: &ReactonStore) {}

fn main() {}
