use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(name: &String) {
    println!("{name}");
}

fn main() {}
