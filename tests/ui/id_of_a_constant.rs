use reacton::prelude::*;

const ID: &str = "app::count";

#[reacton(id = ID)]
static COUNT: u32 = 0;

fn main() {}
