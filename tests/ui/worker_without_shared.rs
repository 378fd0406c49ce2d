use reacton::prelude::*;

#[worker]
fn counter(store: &ReactonStore) {
    println!("{}", store.is_disposed());
}

fn main() {}
