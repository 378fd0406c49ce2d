//! How workers on hosts end, and what becomes of their clients.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reacton::prelude::*;
use reacton_net::Session;

use super::places::{SOON, host, key, open, place, session, until};
use super::workers::*;

#[test]
fn l2_a_shutdown_loses_nothing_and_ends_the_worker() {
    let (host, session) = place(|host| host.offer("tests", workers![witness]));
    let store = ReactonStore::new();
    let worker = witness::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=500 {
        store.set(&INPUT, number);
    }
    worker.shutdown(SOON).expect("the worker ends");
    assert_eq!(store.with(&SEEN, Vec::len), 500);
    until(&store, |_| host.running() == 0);
}

#[test]
fn l1_a_disposed_worker_ends_even_in_the_middle_of_its_work() {
    let (host, session) = place(|host| host.offer("tests", workers![brittle]));
    let store = ReactonStore::new();
    let worker = brittle::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&ORDER, "work".into());
    until(&store, |_| BUSY.load(Ordering::SeqCst) > 0);
    let status = *worker.status();
    worker.dispose();
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
    until(&store, |_| host.running() == 0);
}

#[test]
fn l3_a_panic_on_a_host_is_seen_with_its_place() {
    let (_host, session) = place(|host| host.offer("tests", workers![brittle]));
    let store = ReactonStore::new();
    let worker = brittle::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&ORDER, "panic".into());
    until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let IsolateStatus::Failed { message, location } = store.get(worker.status()) else {
        panic!("{:?}", store.get(worker.status()))
    };
    assert_eq!(message, "told to");
    assert!(location.is_some_and(|location| location.contains("workers.rs")));
}

#[test]
fn l3_a_worker_that_panicked_is_restarted_on_the_host() {
    let (_host, session) = place(|host| host.offer("tests", workers![brittle]));
    let store = ReactonStore::new();
    let builder = brittle::builder().restart(Restart::on_panic(50)).at(&session, "tests");
    let worker = builder.spawn(&store).expect("the worker starts");
    store.set(&ORDER, "panic".into());
    until(&store, |_| worker.stats().restarts > 0);
    store.set(&ORDER, "four".into());
    until(&store, |store| store.get(&OUTPUT) == 4);
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
}

#[test]
fn l3_a_worker_on_a_host_that_returns_an_error_has_failed() {
    let (_host, session) = place(|host| host.offer("tests", workers![failing]));
    let store = ReactonStore::new();
    let worker = failing::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    until(&store, |store| matches!(store.get(worker.status()), IsolateStatus::Failed { .. }));
}

#[test]
fn l4_the_worker_ends_when_the_session_of_its_client_is_gone() {
    let (host, session) = place(|host| host.offer("tests", workers![echo]));
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    drop(store);
    drop(worker);
    drop(session);
    let store = ReactonStore::new();
    until(&store, |_| host.running() == 0);
}

#[test]
fn n2_a_worker_of_a_host_that_ends_is_lost() {
    let (host, session) = place(|host| host.offer("tests", workers![echo]));
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 3);
    until(&store, |store| store.get(&OUTPUT) == 3);
    drop(host);
    until(&store, |store| store.get(worker.status()) == IsolateStatus::Lost);
    assert_eq!(store.get(&OUTPUT), 3, "main keeps the last values");
    assert!(matches!(worker.shutdown(Duration::from_secs(1)), Err(ShutdownError::Failed { .. })));
}

#[test]
fn n2_a_worker_of_a_lost_host_is_restarted_on_another_one_with_the_values_of_now() {
    let own = key();
    let first = host(&[&own], |host| host.offer("tests", workers![witness]));
    let second = host(&[&own], |host| host.offer("tests", workers![witness]));
    let session = session(own, &[&first, &second]);
    let store = ReactonStore::new();
    let builder = witness::builder().restart(Restart::on_panic(5)).at(&session, "tests");
    let worker = builder.spawn(&store).expect("the worker starts");
    store.set(&INPUT, 1);
    until(&store, |store| store.get(&SEEN) == [1]);
    let (lost, left) = if first.running() == 1 { (first, second) } else { (second, first) };
    drop(lost);
    until(&store, |_| worker.stats().restarts > 0);
    until(&store, |store| store.get(worker.status()) == IsolateStatus::Running);
    store.set(&INPUT, 2);
    until(&store, |store| store.get(&SEEN) == [1, 2]);
    assert_eq!(left.running(), 1);
}

#[test]
fn n3_a_host_that_stops_lets_its_workers_do_what_has_arrived() {
    let (host, session) = place(|host| host.offer("tests", workers![witness]));
    let store = ReactonStore::new();
    let worker = witness::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=200 {
        store.set(&INPUT, number);
    }
    until(&store, |store| store.with(&SEEN, Vec::len) == 200);
    let stopper = host.stopper();
    let running = std::thread::spawn(move || host.run(&ReactonStore::new()));
    stopper.stop();
    running.join().expect("the thread ends");
    until(&store, |store| store.get(worker.status()) == IsolateStatus::Lost);
}

#[test]
fn l5_nothing_is_left_on_the_host_after_many_lives() {
    let (host, session) = place(|host| host.offer("tests", workers![echo]).capacity(100));
    let store = ReactonStore::new();
    for number in 1..=50 {
        let worker =
            echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        store.set(&INPUT, number);
        until(&store, |store| store.get(&OUTPUT) == number);
        worker.shutdown(SOON).expect("the worker ends");
    }
    until(&store, |_| host.running() == 0);
}

#[test]
fn n2_a_silent_host_is_shown_as_disconnected_and_then_as_lost() {
    // A host that is silent without a word: its process is stopped. Here its endpoint is in a process of its own.
    let own = key();
    let mut frozen = super::hosts::Frozen::start(&own);
    let session: Session = open(
        Session::builder().key(own).patience(Duration::from_secs(8)).host(frozen.ticket()),
        &[],
    );
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 1);
    until(&store, |store| store.get(&OUTPUT) == 1);
    frozen.freeze();
    until(&store, |store| store.get(worker.status()) == IsolateStatus::Disconnected);
    store.set(&INPUT, 2);
    frozen.thaw();
    until(&store, |store| store.get(worker.status()) == IsolateStatus::Running);
    until(&store, |store| store.get(&OUTPUT) == 2);
    frozen.freeze();
    until(&store, |store| store.get(worker.status()) == IsolateStatus::Lost);
    assert_eq!(store.get(&OUTPUT), 2);
}
