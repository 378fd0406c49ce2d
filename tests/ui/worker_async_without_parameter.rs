use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
async fn counter() {
    println!("nothing to count with");
}

fn main() {}
