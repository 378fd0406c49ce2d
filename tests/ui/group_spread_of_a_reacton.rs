use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

#[worker(shared = [..PATH])]
fn worker(store: &ReactonStore) {
    store.set(&PATH, String::new());
}

fn main() {}
