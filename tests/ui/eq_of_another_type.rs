use reacton::prelude::*;

fn about_the_same(a: &f32, b: &f32) -> bool {
    (a - b).abs() < 0.1
}

#[reacton(eq = about_the_same)]
static TEMPERATURE: f64 = 20.0;

fn main() {}
