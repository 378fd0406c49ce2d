use reacton::prelude::*;

#[worker(shared = [])]
fn counter(store: &ReactonStore) {
    println!("{}", store.is_disposed());
}

fn main() {}
