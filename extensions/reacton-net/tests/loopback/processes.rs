//! Workers in processes of a host.

use reacton::prelude::*;
use reacton::process::test_workers;
use reacton_net::{HostBuilder, Skew};

use super::places::{SOON, place, until};
use super::workers::*;

test_workers![echo, brittle, doubler, summer, sized];

fn offer(host: HostBuilder) -> HostBuilder {
    host.offer("tests", workers![echo, brittle, doubler, summer, sized]).in_processes()
}

#[test]
fn n6_a_value_that_is_too_long_is_held_back_at_a_process_and_at_its_client() {
    let (_host, session) = place(|host| offer(host).max_value(100_000));
    let store = ReactonStore::new();
    let worker = sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 200_000);
    until(&store, |store| store.get(&OUTPUT) == 200_000);
    until(&store, |store| store.with(worker.last_error(), Option::is_some));
    assert_eq!(store.with(&BLOB, Vec::len), 0);
    store.set(&PIXELS, vec![1; 200_000]);
    store.set(&INPUT, 7);
    until(&store, |store| store.with(&BLOB, Vec::len) == 7);
    assert_eq!(store.get(&TOTAL), 0);
}

#[test]
fn n7_a_process_of_a_host_shows_its_first_values_if_builds_may_differ() {
    let (_host, session) = place(|host| offer(host).skew(Skew::Decodes));
    let store = ReactonStore::new();
    store.set(&PIXELS, vec![1; 1000]);
    let worker = sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 7);
    until(&store, |store| store.with(&BLOB, Vec::len) == 7);
    until(&store, |_| worker.stats().queued == 0);
}

#[test]
fn p2_a_worker_in_a_process_of_a_host_shares_as_one_on_its_thread() {
    let (_host, session) = place(offer);
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=300 {
        store.set(&INPUT, number);
    }
    until(&store, |store| store.get(&OUTPUT) == 300);
    until(&store, |_| worker.stats().queued == 0);
    worker.shutdown(SOON).expect("the worker ends");
    let _worker = summer::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&PIXELS, vec![1; 3_000_000]);
    until(&store, |store| store.get(&TOTAL) == 3_000_000);
}

#[test]
fn p3_a_process_of_a_host_that_dies_is_seen_with_its_signal_and_is_restarted() {
    let (host, session) = place(offer);
    let store = ReactonStore::new();
    let builder = brittle::builder().restart(Restart::on_panic(50)).at(&session, "tests");
    let worker = builder.spawn(&store).expect("the worker starts");
    store.set(&ORDER, "abort".into());
    until(&store, |_| worker.stats().restarts > 0);
    store.set(&ORDER, "five5".into());
    until(&store, |store| store.get(&OUTPUT) == 5);
    assert_eq!(worker.exit().and_then(|exit| exit.signal), Some(6));
    worker.dispose();
    until(&store, |_| host.running() == 0);
}

#[test]
fn p3_the_status_says_how_a_process_of_a_host_died() {
    let (_host, session) = place(offer);
    let store = ReactonStore::new();
    let worker = brittle::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&ORDER, "abort".into());
    until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else {
        panic!("{:?}", store.get(worker.status()))
    };
    assert_eq!(message, "killed by SIGABRT");
}

#[test]
fn p4_a_disposed_process_of_a_host_ends_even_in_the_middle_of_its_work() {
    let (host, session) = place(offer);
    let store = ReactonStore::new();
    let worker = brittle::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&ORDER, "hang".into());
    until(&store, |_| worker.stats().queued == 0);
    worker.dispose();
    until(&store, |_| host.running() == 0);
}

#[test]
fn p8_a_process_of_a_host_answers_calls() {
    let (_host, session) = place(offer);
    let store = ReactonStore::new();
    let worker = doubler::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    assert_eq!(worker.call(&DOUBLE, 21).wait(&store, SOON).expect("the call is answered"), 42);
}
