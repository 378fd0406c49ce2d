use reacton::prelude::*;

#[reacton]
fn count() -> u32 {
    0
}

fn main() {
    println!("{}", count());
}
