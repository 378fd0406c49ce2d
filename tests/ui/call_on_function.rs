use reacton::prelude::*;

#[call]
fn draw(n: u32) -> u32 {
    n
}

fn main() {}
