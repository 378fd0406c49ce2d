use reacton::prelude::*;

fn main() {
    #[reacton]
    let count: u32 = 0;
    println!("{count}");
}
