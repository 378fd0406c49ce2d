//! One row of a collection over a link, in a burst; and the start of a worker with many rows.

use std::cell::Cell;
use std::time::{Duration, Instant};

use reacton::collections::ByEntries;
use reacton::prelude::*;
use serde::{Deserialize, Serialize};

use super::cases::SPIN;
use super::cores::Cores;
use crate::figures::{middle, per_one};

/// A row of 48 bytes.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row(pub(crate) [u64; 6]);

pub(crate) type Rows = ReactonMap<u64, Row>;

#[reacton(merge)]
pub(crate) static COPIED: Rows = Rows::new();

#[reacton(merge, zero_copy)]
pub(crate) static COUNTED: Rows = Rows::new();

/// How many transactions one sample has.
const BURST: u64 = 10_000;

const SAMPLED: Duration = Duration::from_millis(600);

/// Puts this number of rows.
pub(crate) fn fill<M: ByEntries>(store: &ReactonStore, rows: &'static Reacton<Rows, M>, size: u64)
where
    Reacton<Rows, M>: Writable + Readable<Value = Rows>,
{
    store.set(rows, (0..size).map(|key| (key, Row([key; 6]))).collect());
}

/// Puts one row after the other, until the worker has received all writes. Returns the time of one until then, and the
/// part of it until main has written.
pub(crate) fn one_way<M: ByEntries + Send>(
    cores: Cores,
    rows: &'static Reacton<Rows, M>,
    (shared, size): (SharedSet, u64),
    delivery: Delivery,
) -> [f64; 2]
where
    Reacton<Rows, M>: Writable + Readable<Value = Rows> + Sync,
{
    let store = ReactonStore::new();
    fill(&store, rows, size);
    let (tell, told) = flume::unbounded();
    let entry = move |store: &ReactonStore| {
        cores.pin_other();
        let seen = Cell::new(0);
        store.subscribe(rows, move |_, rows| {
            let last = rows.get(&u64::MAX).map_or(0, |row| row.0[0]);
            if last != seen.replace(last) {
                let _ = tell.send(last);
            }
        });
    };
    let worker = IsolateStore::builder().spin(SPIN).shared(shared).delivery(delivery);
    let worker = worker.spawn(&store, entry).expect("the worker starts");
    let (mut sent, mut times, mut parts) = (0, Vec::new(), Vec::new());
    let begin = Instant::now();
    while times.len() < 5 || begin.elapsed() < SAMPLED {
        let begin = Instant::now();
        for _ in 0..BURST {
            sent += 1;
            store.update(rows, |rows| rows.insert(sent * 7919 % size, Row([sent; 6])));
        }
        store.update(rows, |rows| rows.insert(u64::MAX, Row([sent; 6])));
        parts.push(per_one(begin.elapsed(), BURST));
        while told.recv().expect("a message arrives") != sent {}
        times.push(per_one(begin.elapsed(), BURST));
    }
    worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
    [middle(times), middle(parts)]
}

/// Spawns a worker that starts with this number of rows.
pub(crate) fn spawn<M: ByEntries>(
    rows: &'static Reacton<Rows, M>,
    shared: &SharedSet,
    size: u64,
) -> f64
where
    Reacton<Rows, M>: Writable + Readable<Value = Rows>,
{
    let store = ReactonStore::new();
    fill(&store, rows, size);
    let times = (0..20).map(|_| {
        let begin = Instant::now();
        let worker =
            IsolateStore::spawn(&store, shared.clone(), |_| ()).expect("the worker starts");
        let took = begin.elapsed();
        worker.shutdown(Duration::from_secs(10)).expect("the worker ends");
        took.as_secs_f64() * 1e9
    });
    middle(times.collect())
}
