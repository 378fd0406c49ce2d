use reacton::prelude::*;

static COUNT: u32 = 0;

#[worker(shared = [COUNT], zero_copy)]
fn counter(store: &ReactonStore) {
    println!("{COUNT} {}", store.is_disposed());
}

fn main() {}
