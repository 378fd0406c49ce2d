//! Many workers beside each other, and workers that share many reactons.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reacton::__private::SharedSlot;
use reacton::prelude::*;

use super::timed;
use crate::figures::per_one;

const PATIENCE: Duration = Duration::from_secs(50);

const STACK: usize = 64 * 1024;

const WRITES: u64 = 2_000;

#[reacton]
static ALONE: u64 = 0;

/// Returns so many declarations, none of which was returned before. Programs declare statics; these have to live as
/// long.
pub(super) fn declared(n: usize) -> Vec<&'static Reacton<u64>> {
    static DECLARED: AtomicUsize = AtomicUsize::new(0);
    let declare = |_| {
        let index = DECLARED.fetch_add(1, Ordering::Relaxed);
        let name: &'static str = Box::leak(format!("scale::{index}").into_boxed_str());
        &*Box::leak(Box::new(Reacton::<u64>::__new(name, || 0)))
    };
    (0..n).map(declare).collect()
}

/// Returns a shared set of all of them.
pub(super) fn shared(declared: &[&'static Reacton<u64>]) -> SharedSet {
    declared.iter().map(|reacton| SharedSet::from([SharedSlot::of(*reacton)])).collect()
}

fn worker_of(store: &ReactonStore, reacton: &'static Reacton<u64>) -> IsolateStore {
    IsolateStore::builder()
        .stack_size(STACK)
        .spin(Duration::ZERO)
        .shared(shared(&[reacton]))
        .spawn(store, |_: &ReactonStore| ())
        .expect("the worker starts")
}

/// Returns a store with n workers, each of which shares a different reacton.
fn workers(n: usize) -> (ReactonStore, Vec<&'static Reacton<u64>>, Vec<IsolateStore>) {
    let (store, declared) = (ReactonStore::new(), declared(n));
    let workers = declared.iter().map(|reacton| worker_of(&store, reacton)).collect();
    (store, declared, workers)
}

pub(super) fn set_what_none_shares(n: usize) -> f64 {
    let (store, _, _workers) = workers(n);
    per_one(timed(|| (1..=WRITES).for_each(|value| store.set(&ALONE, value))), WRITES)
}

pub(super) fn set_what_one_shares(n: usize) -> f64 {
    let (store, declared, _workers) = workers(n);
    per_one(timed(|| (1..=WRITES).for_each(|value| store.set(declared[n / 2], value))), WRITES)
}

pub(super) fn take_in_from_one(n: usize) -> f64 {
    let (store, declared, mut workers) = workers(n - 1);
    let reacton = self::declared(1)[0];
    let writer = IsolateStore::builder()
        .stack_size(STACK)
        .shared(shared(&[reacton]))
        .spawn(&store, |store: &ReactonStore| {
            (1..=WRITES).for_each(|value| store.set(reacton, value));
        })
        .expect("the worker starts");
    while writer.stats().waiting < WRITES {
        std::thread::yield_now();
    }
    let took = timed(|| _ = store.pump());
    assert_eq!(store.get(reacton), WRITES);
    workers.push(writer);
    black_box(declared);
    per_one(took, WRITES)
}

pub(super) fn spawn_one_more(n: usize) -> f64 {
    const MORE: usize = 20;
    let (store, _, mut workers) = workers(n);
    let more = declared(MORE);
    let took = timed(|| workers.extend(more.iter().map(|reacton| worker_of(&store, reacton))));
    per_one(took, MORE as u64)
}

pub(super) fn dispose_each(n: usize) -> f64 {
    let (_store, _, workers) = workers(n);
    per_one(timed(|| workers.iter().for_each(IsolateStore::dispose)), n as u64)
}

pub(super) fn spawn_with(n: usize) -> f64 {
    let (store, declared) = (ReactonStore::new(), declared(n));
    let set = shared(&declared);
    let begin = Instant::now();
    let worker = IsolateStore::spawn(&store, set, |_: &ReactonStore| ());
    let took = begin.elapsed();
    drop(worker.expect("the worker starts"));
    per_one(took, n as u64)
}

pub(super) fn resume(n: usize) -> f64 {
    let (store, declared) = (ReactonStore::new(), declared(n));
    let set = shared(&declared);
    let worker =
        IsolateStore::spawn(&store, set, |_: &ReactonStore| ()).expect("the worker starts");
    let took = timed(|| {
        store.batch(|_| declared.iter().for_each(|reacton| worker.pause(*reacton)));
        store.batch(|store| declared.iter().for_each(|reacton| store.set(*reacton, 7)));
        store.batch(|_| declared.iter().for_each(|reacton| worker.resume(*reacton)));
        worker.shutdown(PATIENCE).expect("the worker ends");
    });
    per_one(took, n as u64)
}
