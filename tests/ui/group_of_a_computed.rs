use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

#[computed]
static LENGTH: usize = |cx| cx.with(&PATH, String::len);

const ALL: Group = group![PATH, LENGTH];

fn main() {}
