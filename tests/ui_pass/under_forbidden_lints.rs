//! The attributes and lists compile where a lint is forbidden: an `allow` of it would not.
#![forbid(unused)]
#![forbid(unused_imports, dead_code, unused_variables, unused_must_use)]
#![forbid(unused_qualifications, missing_docs, unsafe_code)]

use reacton::prelude::*;

/// How many there are.
#[reacton]
pub static COUNT: u32 = 0;

/// What it is called.
#[reacton(zero_copy)]
pub static NAME: &'static str = "none";

/// Counts.
#[worker(shared = [COUNT, NAME])]
pub fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

/// Counts without serde.
#[worker(shared = [COUNT, NAME], zero_copy)]
pub fn counter_without_serde(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    counter::spawn(&store)?.dispose();
    counter_without_serde::spawn(&store)?.dispose();
    IsolateStore::spawn(&store, shared![COUNT, NAME], |_| ())?.dispose();
    Ok(())
}
