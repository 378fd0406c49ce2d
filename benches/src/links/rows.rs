//! One row of a collection over a link, in a burst; and the start of a worker with many rows.

use std::cell::Cell;
use std::time::{Duration, Instant};

use reacton::collections::ByEntries;
use reacton::prelude::*;
use serde::{Deserialize, Serialize};

use super::Figures;
use super::cases::SPIN;
use super::cores::Cores;
use crate::figures::{middle, per_one};

/// A row of 48 bytes.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Row([u64; 6]);

pub(super) type Rows = ReactonMap<u64, Row>;

#[reacton(merge)]
pub(super) static COPIED: Rows = Rows::new();

#[reacton(merge, zero_copy)]
pub(super) static COUNTED: Rows = Rows::new();

/// The number of rows.
const ROWS: u64 = 100_000;

/// How many transactions one sample has.
const BURST: u64 = 10_000;

const SAMPLED: Duration = Duration::from_millis(600);

fn fill<M: ByEntries>(store: &ReactonStore, rows: &'static Reacton<Rows, M>)
where
    Reacton<Rows, M>: Writable + Readable<Value = Rows>,
{
    store.set(rows, (0..ROWS).map(|key| (key, Row([key; 6]))).collect());
}

/// Puts two rows in turn, until the worker has received all writes.
pub(super) fn one_way<M: ByEntries + Send>(
    cores: Cores,
    rows: &'static Reacton<Rows, M>,
    shared: SharedSet,
    delivery: Delivery,
) -> Figures
where
    Reacton<Rows, M>: Writable + Readable<Value = Rows> + Sync,
{
    let store = ReactonStore::new();
    fill(&store, rows);
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
    let (mut sent, mut times, begin) = (0, Vec::new(), Instant::now());
    while times.len() < 5 || begin.elapsed() < SAMPLED {
        let begin = Instant::now();
        for _ in 0..BURST {
            sent += 1;
            store.update(rows, |rows| rows.insert(sent * 7919 % ROWS, Row([sent; 6])));
        }
        store.update(rows, |rows| rows.insert(u64::MAX, Row([sent; 6])));
        while told.recv().expect("a message arrives") != sent {}
        times.push(per_one(begin.elapsed(), BURST));
    }
    worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
    vec![middle(times)]
}

/// Spawns a worker that starts with all rows.
pub(super) fn spawn<M: ByEntries>(
    _: Cores,
    rows: &'static Reacton<Rows, M>,
    shared: &SharedSet,
) -> Figures
where
    Reacton<Rows, M>: Writable + Readable<Value = Rows>,
{
    let store = ReactonStore::new();
    fill(&store, rows);
    let times = (0..20).map(|_| {
        let begin = Instant::now();
        let worker =
            IsolateStore::spawn(&store, shared.clone(), |_| ()).expect("the worker starts");
        let took = begin.elapsed();
        worker.shutdown(Duration::from_secs(10)).expect("the worker ends");
        took.as_secs_f64() * 1e9
    });
    vec![middle(times.collect())]
}
