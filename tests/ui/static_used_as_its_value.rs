use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let next: u32 = COUNT + 1;
    println!("{next}");
}
