//! The values that can cross a road.

use reacton::prelude::*;
use reacton_support::{TIMEOUT, wait_until};

use super::workers::*;

#[test]
fn p2_in_a_simulation_no_process_is_started_and_all_is_bytes() {
    for seed in 0..50 {
        let simulation = reacton::testing::Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = counted::builder().process().spawn(&store).expect("the worker starts");
        store.set(&PICTURE, Picture { pixels: vec![1; 1000] });
        simulation.settle();
        store.pump();
        assert_eq!(store.get(&RESULT).pixels, [254; 1000]);
        assert!(worker.stats().bytes_sent > 1000 && worker.exit().is_none());
    }
}

#[test]
fn i3_every_transaction_arrives_once_and_in_order() {
    let store = ReactonStore::new();
    let worker = history::builder().process().spawn(&store).expect("the worker starts");
    (1..=2000).for_each(|input| store.set(&INPUT, input));
    worker.shutdown(TIMEOUT).expect("the worker ends");
    assert_eq!(store.get(&SEEN), (1..=2000).collect::<Vec<_>>());
}

#[test]
fn i3_under_latest_the_newest_value_arrives_last() {
    let store = ReactonStore::new();
    let worker = latest_echo::builder().process().spawn(&store).expect("the worker starts");
    (1..=10_000).for_each(|input| store.set(&INPUT, input));
    wait_until(&store, |store| store.get(&OUTPUT) == 10_000);
    let stats = worker.stats();
    assert_eq!(stats.transactions_sent, 10_000);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn p2_what_waits_for_the_worker_is_counted() {
    let store = ReactonStore::new();
    let worker = slow_reader::builder().process().spawn(&store, 20).expect("the worker starts");
    (1..=10).for_each(|input| store.set(&INPUT, input));
    assert!(worker.stats().queued >= 8, "{:?}", worker.stats());
    wait_until(&store, |store| store.get(&OUTPUT) == 10);
    let progress = *worker.progress();
    wait_until(&store, |store| store.get(&progress).queued == 0);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn p2_what_waits_is_counted_under_latest() {
    let store = ReactonStore::new();
    let worker = latest_echo::builder().process().spawn(&store).expect("the worker starts");
    for input in 1..=1000 {
        store.set(&INPUT, input);
    }
    wait_until(&store, |store| store.get(&OUTPUT) == 1000);
    let progress = *worker.progress();
    wait_until(&store, |store| store.get(&progress).queued == 0);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn i6_what_is_paused_does_not_arrive_until_it_is_resumed() {
    let store = ReactonStore::new();
    let worker = echo::builder().process().spawn(&store).expect("the worker starts");
    worker.pause(&OUTPUT);
    store.set(&INPUT, 3);
    let progress = *worker.progress();
    wait_until(&store, |store| store.get(&progress).queued == 0);
    assert_eq!(store.get(&OUTPUT), 0);
    worker.resume(&OUTPUT);
    wait_until(&store, |store| store.get(&OUTPUT) == 3);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}
