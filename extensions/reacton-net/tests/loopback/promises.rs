//! The promises of a worker on a thread, for one on a host: those that no other file tests. The README of the package has
//! the table of all.

use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_net::Session;
use serde::{Deserialize, Serialize, Serializer};

use super::hosts::Frozen;
use super::places::{SOON, host, key, open, place, session, until};
use super::workers::{INPUT, OUTPUT, SEEN, TOTAL, echo, witness};

#[reacton]
static LEFT: u64 = 0;

#[reacton]
static RIGHT: u64 = 0;

/// What an observer on the host has seen of a pair: the number of pairs, and of those that were torn.
#[reacton]
static PAIRS: (u64, u64) = (0, 0);

/// Shared by count among threads, and not serializable.
struct Opaque;

impl PartialEq for Opaque {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[reacton(zero_copy)]
static OPAQUE: Opaque = Opaque;

/// Does not encode if it is 13.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Unlucky(u64);

impl Serialize for Unlucky {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 13 {
            return Err(serde::ser::Error::custom("an unlucky number"));
        }
        serializer.serialize_newtype_struct("Unlucky", &self.0)
    }
}

#[reacton]
static UNLUCKY: Unlucky = Unlucky(0);

#[reacton]
static PRIVATE: u64 = 0;

#[call]
static READ: Call<(), u64>;

/// Counts pairs, and writes a pair for each that it sees.
#[worker(shared = [LEFT, RIGHT, PAIRS, INPUT, OUTPUT])]
fn pairing(store: &ReactonStore) {
    store.subscribe(&LEFT, |store, left| {
        let is_torn = *left != store.get(&RIGHT);
        store.batch(|store| {
            store.update(&PAIRS, |(pairs, torn)| {
                (*pairs, *torn) = (*pairs + 1, *torn + u64::from(is_torn));
            });
            store.set(&INPUT, *left);
            store.set(&OUTPUT, *left);
        });
    });
}

/// Writes down what another worker has written.
#[worker(shared = [OUTPUT, SEEN])]
fn listener(store: &ReactonStore) {
    store.subscribe(&OUTPUT, |store, output| store.update(&SEEN, |seen| seen.push(*output)));
}

/// Writes where main writes as well, and can be asked what it has.
#[worker(shared = [INPUT, TOTAL], answers = [READ])]
fn rival(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| store.set(&TOTAL, *input));
    store.answer(&READ, |store, (), _| store.get(&TOTAL));
}

/// Corrects what is too large.
#[worker(shared = [TOTAL, OUTPUT])]
fn corrector(store: &ReactonStore) {
    store.watch(&TOTAL, |store, total| {
        store.set(&TOTAL, (*total).min(100));
        store.set(&OUTPUT, *total);
    });
}

/// Writes what is its own.
#[worker(shared = [INPUT, OUTPUT])]
fn private(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        store.update(&PRIVATE, |private| *private += input);
        store.set(&OUTPUT, store.get(&PRIVATE));
    });
}

#[worker(shared = [OPAQUE])]
fn opaque(_: &ReactonStore) {}

#[worker(shared = [UNLUCKY, INPUT, OUTPUT])]
fn unlucky(store: &ReactonStore) {
    store.watch(&INPUT, |store, input| store.set(&OUTPUT, *input));
    store.subscribe(&UNLUCKY, |store, unlucky| store.set(&OUTPUT, unlucky.0));
}

/// Works on each input until there is a newer one.
#[worker(shared = [INPUT, OUTPUT])]
fn patient(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        let deadline = Instant::now() + SOON;
        while *input != 2 && !store.is_stale(&INPUT) && Instant::now() < deadline {
            std::thread::yield_now();
        }
        if *input == 2 || store.is_stale(&INPUT) {
            store.update(&OUTPUT, |output| *output += 1);
        }
    });
}

#[test]
fn i2_what_is_written_together_arrives_together_in_both_directions() {
    let (_host, session) = place(|host| host.offer("tests", workers![pairing]));
    let store = ReactonStore::new();
    let _worker =
        pairing::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.subscribe(&INPUT, |store, input| assert_eq!(*input, store.get(&OUTPUT), "a torn pair"));
    for number in 1..=500 {
        store.batch(|store| {
            store.set(&LEFT, number);
            store.set(&RIGHT, number);
        });
    }
    until(&store, |store| store.get(&OUTPUT) == 500);
    assert_eq!(store.get(&PAIRS), (500, 0));
}

#[test]
fn i4_main_forwards_what_one_worker_writes_to_the_others_once() {
    let own = key();
    let hosts =
        [(); 2].map(|()| host(&[&own], |host| host.offer("tests", workers![echo, listener])));
    let session = session(own, &[&hosts[0], &hosts[1]]);
    let store = ReactonStore::new();
    let _writes = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    let listens = listener::builder().at(&session, "tests").spawn(&store);
    let _listens = listens.expect("the worker starts");
    for number in 1..=200 {
        store.set(&INPUT, number);
    }
    until(&store, |store| store.with(&SEEN, |seen| seen.last() == Some(&200)));
    assert_eq!(store.get(&SEEN), (1..=200).collect::<Vec<_>>());
}

#[test]
fn i5_stores_converge_when_both_sides_write() {
    let (_host, session) = place(|host| host.offer("tests", workers![rival]));
    let store = ReactonStore::new();
    let worker = rival::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=300 {
        store.set(&INPUT, number);
        store.set(&TOTAL, 1000 + number);
        store.pump();
    }
    // The answer comes behind everything that the worker has written.
    let read = worker.call(&READ, ()).wait(&store, SOON).expect("the call is answered");
    let again = worker.call(&READ, ()).wait(&store, SOON).expect("the call is answered");
    assert_eq!((read, again), (store.get(&TOTAL), store.get(&TOTAL)));
}

#[test]
fn i6_what_is_paused_does_not_arrive_until_it_is_resumed() {
    let (_host, session) = place(|host| host.offer("tests", workers![pairing]));
    let store = ReactonStore::new();
    let worker = pairing::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    worker.pause(&OUTPUT);
    store.batch(|store| {
        store.set(&RIGHT, 5);
        store.set(&LEFT, 5);
    });
    until(&store, |store| store.get(&INPUT) == 5);
    assert_eq!(store.get(&OUTPUT), 0);
    worker.resume(&OUTPUT);
    until(&store, |store| store.get(&OUTPUT) == 5);
}

#[test]
fn i7_what_is_not_shared_is_private_to_the_store_of_the_worker() {
    let (_host, session) = place(|host| host.offer("tests", workers![private]));
    let store = ReactonStore::new();
    store.set(&PRIVATE, 1000);
    let _worker =
        private::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 2);
    store.set(&INPUT, 3);
    until(&store, |store| store.get(&OUTPUT) == 5);
    assert_eq!(store.get(&PRIVATE), 1000);
}

#[test]
fn i8_a_value_without_serde_is_refused_by_name_before_anything_is_sent() {
    let (host, session) = place(|host| host.offer("tests", workers![echo]));
    let store = ReactonStore::new();
    let refused = opaque::builder().at(&session, "tests").spawn(&store);
    let Err(SpawnError::NotSerializable { reacton, .. }) = refused else { panic!("{refused:?}") };
    assert!(reacton.ends_with("OPAQUE"), "{reacton}");
    assert_eq!(host.running(), 0);
}

#[test]
fn i10_a_value_that_does_not_encode_is_reported_and_the_rest_of_its_transaction_arrives() {
    let (_host, session) = place(|host| host.offer("tests", workers![unlucky]));
    let store = ReactonStore::new();
    let worker = unlucky::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.batch(|store| {
        store.set(&UNLUCKY, Unlucky(13));
        store.set(&INPUT, 7);
    });
    until(&store, |store| store.get(&OUTPUT) == 7);
    assert!(store.get(worker.last_error()).is_some());
    assert_eq!(store.get(&UNLUCKY), Unlucky(13));
    store.set(&UNLUCKY, Unlucky(14));
    until(&store, |store| store.get(&OUTPUT) == 14);
}

#[test]
fn i11_all_sides_end_with_the_corrected_value() {
    let (_host, session) = place(|host| host.offer("tests", workers![corrector]));
    let store = ReactonStore::new();
    let _worker =
        corrector::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    // The cause arrives before its consequence.
    store.subscribe(&OUTPUT, |store, output| {
        assert!(*output != 100 || store.get(&TOTAL) == 100, "the consequence came first");
    });
    store.set(&TOTAL, 1000);
    until(&store, |store| store.get(&OUTPUT) == 100);
    assert_eq!(store.get(&TOTAL), 100);
}

#[test]
fn l7_work_on_an_old_input_is_stale_when_a_newer_one_has_arrived() {
    let (_host, session) = place(|host| host.offer("tests", workers![patient]));
    let store = ReactonStore::new();
    let _worker =
        patient::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 1);
    store.set(&INPUT, 2);
    until(&store, |store| store.get(&OUTPUT) == 2);
}

/// A session with a host in a process of its own, which can be frozen.
fn frozen_place() -> (Frozen, Session) {
    let own = key();
    let frozen = Frozen::start(&own);
    let session = open(Session::builder().key(own).host(frozen.ticket()), &[]);
    (frozen, session)
}

#[test]
fn l2_a_shutdown_of_a_worker_that_is_not_heard_times_out() {
    let (mut frozen, session) = frozen_place();
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    frozen.freeze();
    store.set(&INPUT, 1);
    let ended = worker.try_shutdown(Duration::from_secs(1));
    assert!(matches!(ended, Err(ShutdownError::TimedOut { .. })), "{ended:?}");
    frozen.thaw();
    assert_eq!(worker.try_shutdown(SOON), Ok(()));
    assert_eq!(store.get(&OUTPUT), 1);
}

#[test]
fn l6_a_spawn_at_a_host_that_is_frozen_ends_within_its_timeout() {
    let (mut frozen, session) = frozen_place();
    let store = ReactonStore::new();
    let hosts = session.hosts(&store);
    until(&store, |store| store.with(&hosts, |hosts| hosts[0].connected));
    frozen.freeze();
    let begun = Instant::now();
    let builder = echo::builder().handshake_timeout(Duration::from_secs(2)).at(&session, "tests");
    let error = builder.spawn(&store).expect_err("the host is frozen");
    assert!(
        matches!(error, SpawnError::Unreachable { .. } | SpawnError::TimedOut { .. }),
        "{error:?}"
    );
    assert!(begun.elapsed() < SOON / 2);
}

#[test]
fn i3_a_worker_goes_on_where_it_was_after_a_silence() {
    let (mut frozen, session) = frozen_place();
    let store = ReactonStore::new();
    let worker = witness::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    for number in 1..=300 {
        store.set(&INPUT, number);
        match number {
            100 => frozen.freeze(),
            200 => until(&store, |store| store.get(worker.status()) == IsolateStatus::Disconnected),
            250 => frozen.thaw(),
            _ => {}
        }
    }
    until(&store, |store| store.with(&SEEN, Vec::len) == 300);
    assert_eq!(store.get(&SEEN), (1..=300).collect::<Vec<_>>());
    assert_eq!(worker.stats().restarts, 0);
}
