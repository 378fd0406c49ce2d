//! Within one store: values that are updated, families, computeds.

use std::collections::BTreeMap;
use std::hint::black_box;

use reacton::prelude::*;

use super::timed;
use crate::figures::per_one;

#[reacton]
static MAP: BTreeMap<u64, u64> = BTreeMap::new();

#[reacton(eq = never)]
static EVENTS: BTreeMap<u64, u64> = BTreeMap::new();

#[reacton]
static LARGE: Family<u64, u64> = |_| 0;

#[reacton]
static SMALL: Family<u64, u64> = |_| 0;

pub(super) fn insert(n: usize) -> f64 {
    let store = ReactonStore::new();
    let insert = |key: u64| store.update(&MAP, |map| _ = map.insert(key, key));
    per_one(timed(|| (0..n as u64).for_each(insert)), n as u64)
}

pub(super) fn insert_in_batches(n: usize) -> f64 {
    let store = ReactonStore::new();
    let insert = |key: u64| store.batch(|store| store.update(&MAP, |map| _ = map.insert(key, key)));
    per_one(timed(|| (0..n as u64).for_each(insert)), n as u64)
}

pub(super) fn insert_events_in_batches(n: usize) -> f64 {
    let store = ReactonStore::new();
    let insert =
        |key: u64| store.batch(|store| store.update(&EVENTS, |map| _ = map.insert(key, key)));
    per_one(timed(|| (0..n as u64).for_each(insert)), n as u64)
}

pub(super) fn keys_of_few(n: usize) -> f64 {
    const CALLS: u64 = 20;
    let store = ReactonStore::new();
    for key in 0..n as u64 {
        store.set(&LARGE.of(key), key + 1);
    }
    for key in 0..10 {
        store.set(&SMALL.of(key), 1);
    }
    let call = |_| assert_eq!(black_box(store.keys(&SMALL)).len(), 10);
    per_one(timed(|| (0..CALLS).for_each(call)), CALLS)
}

/// Each total reads the one above it and a cell of its own row. The last total is read first, or the totals are read
/// from the top.
pub(super) fn running_total(n: usize, in_order: bool) -> f64 {
    let store = ReactonStore::new();
    let cells: Vec<_> = (0..n as u64).map(|row| store.reacton(row)).collect();
    let mut totals = vec![];
    for cell in cells {
        let above = totals.last().copied();
        totals.push(
            store.computed(move |cx| cx.get(&cell) + above.map_or(0, |above| cx.get(&above))),
        );
    }
    let read = || {
        if in_order {
            for total in &totals {
                black_box(store.get(total));
            }
        }
        assert_eq!(store.get(&totals[n - 1]), (n as u64 - 1) * n as u64 / 2);
    };
    per_one(timed(read), n as u64)
}
