use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

use self::THEME as STYLE;

const ALL: Group = group![PATH, THEME, STYLE];

fn main() {}
