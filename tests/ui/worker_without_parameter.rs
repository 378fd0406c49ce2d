use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter() {
    println!("nothing to count with");
}

fn main() {}
