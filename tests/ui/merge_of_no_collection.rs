//! A type that is no collection, declared as one.

use reacton::prelude::*;

#[reacton(merge)]
static COUNT: u32 = 0;

fn main() {}
