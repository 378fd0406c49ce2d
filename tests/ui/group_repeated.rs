use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

const ALL: Group = group![PATH, THEME, PATH];

fn main() {}
