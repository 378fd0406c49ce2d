use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
const fn counter(_store: &ReactonStore) {}

fn main() {}
