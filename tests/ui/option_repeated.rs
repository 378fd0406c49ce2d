use reacton::prelude::*;

#[reacton(id = "app::count", id = "app::counter")]
static COUNT: u32 = 0;

fn main() {}
