//! The statistics of a worker as a reacton.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::TIMEOUT;

use crate::{INPUT, OUTPUT};

fn double(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, n| store.set(&OUTPUT, 2 * n));
}

#[test]
fn a_computed_of_the_progress_follows_what_crosses() {
    let store = ReactonStore::new();
    let worker =
        IsolateStore::spawn(&store, shared![INPUT, OUTPUT], double).expect("the worker starts");
    let progress = *worker.progress();
    let received = store.computed(move |cx| cx.get(&progress).transactions_received);
    (1..=10).for_each(|n| store.set(&INPUT, n));
    store.run_until(TIMEOUT, |store| store.get(&received) == 10).expect("all calls are answered");
    let now = store.get(&progress);
    assert_eq!((now.transactions_sent, now.changes_received), (10, 10));
    assert_eq!(worker.try_shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&progress), worker.stats(), "the progress has changed after the end");
    assert_eq!(store.get(&progress).queued, 0);
}

#[test]
fn the_queue_of_a_worker_that_answers_nothing_is_seen_to_become_empty() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |_| ()).expect("the worker starts");
    let progress = *worker.progress();
    let is_busy = store.computed(move |cx| cx.get(&progress).queued > 0);
    (1..=100).for_each(|n| store.set(&INPUT, n));
    let done = |store: &ReactonStore| store.get(&progress).transactions_sent == 100;
    store
        .run_until(TIMEOUT, |store| done(store) && !store.get(&is_busy))
        .expect("all updates arrive");
}

#[test]
fn in_every_schedule_the_progress_ends_as_the_statistics_do() {
    for (seed, delivery) in (0..200).zip([Delivery::Every, Delivery::Latest].into_iter().cycle()) {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let always = Restart::OnPanic { max: 9, within: Duration::MAX, backoff: Duration::ZERO };
        let builder = IsolateStore::builder().shared(shared![INPUT, OUTPUT]).delivery(delivery);
        let worker = builder.restart(always).spawn(&store, |store: &ReactonStore| {
            store.subscribe(&INPUT, |store, n| {
                if *n == 7 {
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                store.set(&OUTPUT, n / 2);
            });
        });
        let worker = worker.expect("the worker starts");
        (1..).take(simulation.pick(5)).for_each(|n| store.set(&INPUT, n));
        let progress = *worker.progress();
        assert_eq!(store.get(&progress), worker.stats(), "seed {seed}: at the beginning");
        for n in 6..=12 {
            simulation.interleaved(|| store.set(&INPUT, n));
            (0..simulation.pick(4)).for_each(|_| _ = simulation.step());
        }
        simulation.settle();
        assert_eq!(store.get(&progress), worker.stats(), "seed {seed}");
        assert_eq!(store.get(&progress).queued, 0, "seed {seed}");
        if simulation.pick(2) == 0 {
            worker.dispose();
            assert_eq!(store.get(&progress), worker.stats(), "seed {seed}: after the end");
        }
    }
}

#[test]
fn the_progress_is_zero_after_the_handle_was_dropped() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |_| ()).expect("the worker starts");
    let progress = *worker.progress();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(&progress, move |_, now| log.borrow_mut().push(now.transactions_sent));
    store.set(&INPUT, 1);
    drop(worker);
    assert_eq!(*heard.borrow(), [1], "the observers are called with the last value");
    assert_eq!(store.get(&progress), LinkStats::default());
}
