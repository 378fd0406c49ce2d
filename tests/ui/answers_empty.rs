use reacton::prelude::*;

#[worker(answers = [])]
fn answers(_: &ReactonStore) {}

fn main() {}
