use reacton::prelude::*;

fn about_the_same(a: &f64, b: &f64) -> bool {
    (a - b).abs() < 0.1
}

#[reacton(eq = about_the_same())]
static LEVEL: f64 = 0.5;

fn main() {}
