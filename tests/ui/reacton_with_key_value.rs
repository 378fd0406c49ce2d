use reacton::prelude::*;

#[reacton = "app::count"]
static COUNT: u32 = 0;

fn main() {}
