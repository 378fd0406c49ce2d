//! State in both directions.

use reacton::prelude::*;

use super::places::{place, until};
use super::workers::*;

#[test]
fn i1_a_worker_on_a_host_begins_with_the_values_of_main_and_misses_nothing() {
    let (_host, session) = place(|host| host.offer("tests", workers![echo]));
    let store = ReactonStore::new();
    store.set(&INPUT, 7);
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 8);
    until(&store, |store| store.get(&OUTPUT) == 8);
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
}

#[test]
fn i8_the_arguments_cross_as_bytes() {
    let (_host, session) = place(|host| host.offer("tests", workers![scaler]));
    let store = ReactonStore::new();
    let builder = scaler::builder().at(&session, "tests");
    let _worker = builder.spawn(&store, 10, String::from("abc")).expect("the worker starts");
    store.set(&INPUT, 2);
    until(&store, |store| store.get(&OUTPUT) == 23);
}

#[test]
fn i3_every_transaction_arrives_once_and_in_order() {
    let (_host, session) = place(|host| host.offer("tests", workers![witness]));
    let store = ReactonStore::new();
    let worker = witness::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=2000 {
        store.set(&INPUT, number);
    }
    until(&store, |store| store.with(&SEEN, Vec::len) >= 2000);
    assert_eq!(store.get(&SEEN), (1..=2000).collect::<Vec<_>>());
    drop(worker);
}

#[test]
fn i3_under_latest_the_last_value_arrives() {
    let (_host, session) = place(|host| host.offer("tests", workers![latest_witness]));
    let store = ReactonStore::new();
    let _worker =
        latest_witness::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=2000 {
        store.set(&INPUT, number);
    }
    until(&store, |store| store.with(&SEEN, |seen| seen.last() == Some(&2000)));
    assert!(store.get(&SEEN).is_sorted());
}

#[test]
fn i8_zero_copy_values_cross_as_bytes_and_are_whole() {
    let (_host, session) = place(|host| host.offer("tests", workers![summer]));
    let store = ReactonStore::new();
    let _worker = summer::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    // More than the window of a stream.
    let pixels: Vec<u8> = (0..5_000_000_u32).map(|at| (at % 251) as u8).collect();
    let total: u64 = pixels.iter().map(|byte| u64::from(*byte)).sum();
    store.set(&PIXELS, pixels);
    until(&store, |store| store.get(&TOTAL) == total);
}

#[test]
fn c8_collections_cross_entry_by_entry() {
    let (_host, session) = place(|host| host.offer("tests", workers![lister]));
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| {
        rows.insert(1000, String::from("mine"));
    });
    let _worker = lister::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=100 {
        store.set(&INPUT, number);
        store.update(&COUNT, |count| count.add(1));
    }
    until(&store, |store| store.with(&COUNT, Counter::value) == 200);
    store.with(&ROWS, |rows| {
        assert_eq!(rows.len(), 101);
        assert_eq!(rows.get(&1000).map(String::as_str), Some("mine"));
        assert_eq!(rows.get(&50).map(String::as_str), Some("row 50"));
    });
}

#[test]
fn a_worker_on_a_host_spawns_workers_of_its_own() {
    let (_host, session) = place(|host| host.offer("tests", workers![manager]));
    // In this process, the numbers of links are those of the host as well.
    let store = ReactonStore::new();
    let _worker =
        manager::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 5);
    until(&store, |store| store.get(&OUTPUT) == 5);
}

#[test]
fn two_clients_of_one_host_share_nothing() {
    let (one, two) = (super::places::key(), super::places::key());
    let host = super::places::host(&[&one, &two], |host| host.offer("tests", workers![echo]));
    let sessions = [one, two].map(|key| super::places::session(key, &[&host]));
    let stores = [ReactonStore::new(), ReactonStore::new()];
    let spawn = |at: usize| {
        echo::builder().at(&sessions[at], "tests").spawn(&stores[at]).expect("the worker starts")
    };
    let _workers = [spawn(0), spawn(1)];
    stores[0].set(&INPUT, 1);
    stores[1].set(&INPUT, 2);
    until(&stores[0], |store| store.get(&OUTPUT) == 1);
    until(&stores[1], |store| store.get(&OUTPUT) == 2);
    assert_eq!(host.running(), 2);
}

#[test]
fn flush_waits_until_the_worker_has_taken_in_everything() {
    let (_host, session) = place(|host| host.offer("tests", workers![echo]));
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=500 {
        store.set(&INPUT, number);
    }
    until(&store, |_| worker.stats().queued == 0);
    until(&store, |store| store.get(&OUTPUT) == 500);
}

/// Rule 37: the worker reads nothing before its flush ends, so main's writer waits for room, and acknowledges nevertheless.
#[test]
fn a_flush_of_a_worker_ends_while_its_main_waits_for_room() {
    let (_host, session) = place(|host| host.offer("tests", workers![flusher]));
    let store = ReactonStore::new();
    let _worker =
        flusher::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 1);
    for number in 1..=3 {
        // More than the window of a stream.
        store.set(&PIXELS, vec![number; 4_000_000]);
    }
    until(&store, |store| store.get(&TOTAL) == 1);
}
