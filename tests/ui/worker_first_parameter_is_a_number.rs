use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(step: u32) {
    println!("{step}");
}

fn main() {}
