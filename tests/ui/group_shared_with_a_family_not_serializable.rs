use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

#[reacton]
static NOTE: Family<u32, Option<std::time::Instant>> = |_| None;

const NOTES: Group = group![PATH, NOTE];

#[worker(shared = [..NOTES])]
fn worker(store: &ReactonStore) {
    store.set(&PATH, String::new());
}

fn main() {}
