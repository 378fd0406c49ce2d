//! A spreadsheet: 10,000 rows, each with an amount and the running total of all amounts down to it. Main reads the last
//! total first, and then edits; nothing is read before it is needed.
//!
//! ```text
//! $ cargo run --release --example spreadsheet
//! the last of 10000 totals is 50005000
//! the first amount is 100: the last total is 50005099, after 10000 computations
//! the last amount is 0: the last total is 49995099, after 1 computation
//! ```
use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;

const ROWS: i64 = 10_000;

fn main() {
    let store = ReactonStore::new();
    let computations = Rc::new(Cell::new(0));
    let amounts: Vec<_> = (1..=ROWS).map(|amount| store.reacton(amount)).collect();
    let mut totals: Vec<LocalComputed<i64>> = Vec::new();
    for &amount in &amounts {
        let (above, computations) = (totals.last().copied(), Rc::clone(&computations));
        totals.push(store.computed(move |cx| {
            computations.set(computations.get() + 1);
            above.map_or(0, |above| cx.get(&above)) + cx.get(&amount)
        }));
    }
    let (Some(first), Some(last)) = (amounts.first(), amounts.last()) else { return };
    let Some(total) = totals.last() else { return };

    println!("the last of {ROWS} totals is {}", store.get(total));
    computations.set(0);
    store.set(first, 100);
    let last_total = store.get(total);
    println!(
        "the first amount is 100: the last total is {last_total}, after {} computations",
        computations.take()
    );
    store.set(last, 0);
    let last_total = store.get(total);
    println!(
        "the last amount is 0: the last total is {last_total}, after {} computation",
        computations.take()
    );
}
