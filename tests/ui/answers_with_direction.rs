use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

#[worker(answers = [in DRAW])]
fn answers(_: &ReactonStore) {}

fn main() {}
