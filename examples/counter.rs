//! The smallest program: a number goes to a worker, and its square comes back.
//!
//! ```text
//! $ cargo run --example counter
//! 1 squared is 1
//! 2 squared is 4
//! 3 squared is 9
//! ```
use reacton::prelude::*;
use std::time::Duration;

#[reacton]
static NUMBER: u64 = 0;
#[reacton]
static SQUARE: u64 = 0;

#[worker(shared = [NUMBER, SQUARE])]
fn squares(store: &ReactonStore) {
    store.subscribe(&NUMBER, |store, n| store.set(&SQUARE, n * n));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    let worker = squares::spawn(&store)?;
    store.subscribe(&SQUARE, |store, sq| println!("{} squared is {sq}", store.get(&NUMBER)));
    for n in 1..=3 {
        store.set(&NUMBER, n);
        store.run_until(Duration::from_secs(5), |store| store.get(&SQUARE) == n * n)?;
    }
    Ok(worker.shutdown(Duration::from_secs(5))?)
}
