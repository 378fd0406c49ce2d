use reacton::prelude::*;

fn main() {
    let start = std::env::args().count();
    println!("{start} of them");

    #[reacton]
    static COUNT: usize = start;

    println!("{}", ReactonStore::new().get(&COUNT));
}
