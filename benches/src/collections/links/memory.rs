//! The bytes that a row takes, and what is left of a removed one.

use std::time::Duration;

use reacton::prelude::*;

use super::Place;
use crate::collections::Keys;
use crate::collections::maps::Std;
use crate::links::rows::{COPIED, Row, fill};

/// Of so many rows one is removed, fewer than would be swept.
const OF: u64 = 4;

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn of_each(bytes: usize, count: u64) -> f64 {
    bytes as f64 / count as f64
}

/// Calls `put` once for each key, in random order, so that the nodes are as full as after ordinary writes.
fn in_random_order(size: u64, mut put: impl FnMut(u64)) {
    let mut keys = Keys::below(size);
    (0..size).for_each(|_| put(keys.next()));
    (0..size).for_each(put);
}

/// Of a map in a store.
pub(super) fn row(Place { size, live, .. }: Place<'_>) -> f64 {
    let store = ReactonStore::new();
    fill(&store, &COPIED, 1);
    let before = live();
    in_random_order(size, |key| {
        store.update(&COPIED, |rows| rows.insert(key, Row([key; 6])));
    });
    of_each(live() - before, size)
}

/// Of a map of the standard library.
pub(super) fn row_by_hand(Place { size, live, .. }: Place<'_>) -> f64 {
    let before = live();
    let mut map = Std::new();
    in_random_order(size, |key| {
        map.insert(key, [key; 6]);
    });
    of_each(live() - before, size)
}

/// In main and in one worker, which both remember each removal.
pub(super) fn tombstone(Place { size, live, .. }: Place<'_>) -> f64 {
    let store = ReactonStore::new();
    fill(&store, &COPIED, size);
    let (tell, told) = flume::unbounded();
    let entry = move |store: &ReactonStore| {
        let tell = tell.clone();
        store.subscribe(&COPIED, move |_, rows| {
            if rows.contains_key(&u64::MAX) {
                let _ = tell.send(());
            }
        });
    };
    let worker = IsolateStore::spawn(&store, shared![COPIED], entry).expect("the worker starts");
    let until_all_have = || {
        store.update(&COPIED, |rows| rows.insert(u64::MAX, Row([0; 6])));
        told.recv().expect("a message arrives");
        store.update(&COPIED, |rows| rows.remove(&u64::MAX));
    };
    until_all_have();
    let before = live();
    // Keys that were not there, so that there are as many rows as before.
    for key in size..size + size / OF {
        store.update(&COPIED, |rows| rows.insert(key, Row([key; 6])));
        store.update(&COPIED, |rows| rows.remove(&key));
    }
    until_all_have();
    let stores = 2;
    let each = of_each(live() - before, stores * (size / OF));
    worker.shutdown(Duration::from_secs(10)).expect("the worker ends");
    each
}
