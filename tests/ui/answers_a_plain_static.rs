use reacton::prelude::*;

static COUNT: u32 = 0;

#[worker(answers = [COUNT])]
fn answers(_: &ReactonStore) {}

fn main() {}
