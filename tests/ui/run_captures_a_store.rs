use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    let task = reacton::run(move || store.get(&COUNT));
    println!("{:?}", task.join());
}
