use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

#[reacton]
static NOTE: Family<u32, String> = |_| String::new();

const ALL: Group = group![PATH, NOTE.of(1)];

fn main() {}
