use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

static WIDTH: u32 = 0;

const ALL: Group = group![PATH, WIDTH];

fn main() {}
