use reacton::prelude::*;

#[reacton(eq = about_the_same)]
static LEVEL: f64 = 0.5;

fn main() {}
