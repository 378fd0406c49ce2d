use reacton::prelude::*;

#[reacton(eq = |a, b| (a - b).abs() < 0.1)]
static TEMPERATURE: f64 = 20.0;

fn main() {}
