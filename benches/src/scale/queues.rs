//! Queued messages: merged, looked at, awaited, and the memory that they leave.

use std::hint::black_box;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use reacton::prelude::*;

use super::sharing::{declared, shared};
use super::timed;
use crate::figures::per_one;

#[reacton]
static ASKED: u64 = 0;

#[reacton(eq = never)]
static EVENT: u64 = 0;

/// A worker that shares n reactons, and applies nothing until it is allowed to.
fn asleep(
    store: &ReactonStore,
    reactons: &[&'static Reacton<u64>],
) -> (IsolateStore, std::sync::mpsc::Sender<()>) {
    let (go, gone) = channel::<()>();
    let worker = IsolateStore::builder()
        .delivery(Delivery::Latest)
        .shared(shared(reactons))
        .spawn(store, move |_: &ReactonStore| _ = gone.recv())
        .expect("the worker starts");
    (worker, go)
}

/// Writes to each of n values that are queued at a worker that does not apply them: one by one, or all in one batch.
pub(super) fn latest(n: usize, in_a_batch: bool) -> f64 {
    const ROUNDS: u64 = 4;
    let (store, reactons) = (ReactonStore::new(), declared(n));
    let (worker, go) = asleep(&store, &reactons);
    let write = |round| reactons.iter().for_each(|reacton| store.set(*reacton, round));
    let round = |round| if in_a_batch { store.batch(|_| write(round)) } else { write(round) };
    round(1);
    let took = timed(|| (2..2 + ROUNDS).for_each(round));
    drop(go);
    worker.dispose();
    per_one(took, ROUNDS * n as u64)
}

pub(super) fn is_stale(n: usize) -> f64 {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let (go, gone) = channel::<()>();
    let entry = move |store: &ReactonStore| {
        store.subscribe(&EVENT, |store, _| _ = black_box(store.is_stale(&ASKED)));
        let _ = gone.recv();
        let begin = Instant::now();
        store.pump();
        let _ = tell.send(begin.elapsed());
    };
    let worker = IsolateStore::spawn(&store, shared![ASKED, EVENT], entry);
    let worker = worker.expect("the worker starts");
    (0..n as u64).for_each(|value| store.set(&EVENT, value));
    drop(go);
    let took = told.recv().expect("the worker answers");
    worker.shutdown(Duration::from_secs(50)).expect("the worker ends");
    per_one(took, n as u64)
}

pub(super) fn is_stale_by_handle(n: usize) -> f64 {
    let store = ReactonStore::new();
    let handle = store.handle();
    store.subscribe(&EVENT, |store, _| _ = black_box(store.is_stale(&ASKED)));
    for value in 0..n as u64 {
        handle.set(&EVENT, value);
    }
    per_one(timed(|| _ = store.pump()), n as u64)
}

/// Each of n tasks awaits the changes of a different reacton. A handle writes one of these, and all tasks are woken:
/// the time for each task.
pub(super) fn arrival(n: usize) -> f64 {
    const ARRIVALS: u64 = 20;
    let (store, reactons) = (ReactonStore::new(), declared(n));
    let handle = store.handle();
    let mut tasks = futures_util::stream::FuturesUnordered::new();
    for reacton in &reactons {
        let mut changes = store.changes(*reacton);
        tasks.push(async move { while changes.next().await.is_some() {} });
    }
    let mut poll = || {
        futures_lite::future::block_on(futures_lite::future::poll_once(tasks.next()));
    };
    poll();
    let took = timed(|| {
        for value in 1..=ARRIVALS {
            handle.set(reactons[0], value);
            // Polls as an executor would, until no task is woken.
            poll();
            poll();
        }
    });
    assert_eq!(store.get(reactons[0]), ARRIVALS);
    per_one(took, ARRIVALS * n as u64)
}

/// Returns the bytes that stay allocated after n messages were queued at once and all were applied.
#[expect(clippy::cast_precision_loss, reason = "megabytes")]
pub(super) fn kept_after_burst(n: usize, live: &dyn Fn() -> usize) -> f64 {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![EVENT], move |store: &ReactonStore| {
        (0..n as u64).for_each(|value| store.set(&EVENT, value));
    })
    .expect("the worker starts");
    let before = live();
    while worker.stats().waiting < n as u64 {
        std::thread::yield_now();
    }
    store.pump();
    let (go, gone) = channel::<()>();
    // As many in the other direction.
    let other = IsolateStore::spawn(&store, shared![EVENT], move |_: &ReactonStore| {
        let _ = gone.recv();
    })
    .expect("the worker starts");
    (0..n as u64).for_each(|value| store.set(&EVENT, value));
    drop(go);
    other.shutdown(Duration::from_secs(50)).expect("the worker ends");
    live().saturating_sub(before) as f64
}
