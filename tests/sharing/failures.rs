//! I9 and I10: values that cannot be encoded or decoded.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive, wait_until};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ASK, answer, ask, end};

/// A negative number cannot be encoded; encoding one below -100 panics.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Fragile(i32);

thread_local! {
    /// A number above this cannot be decoded on this thread; decoding one far above panics.
    static LIMIT: Cell<i32> = const { Cell::new(i32::MAX) };
}

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ..=-101 => panic!("far below zero"),
            -100..0 => Err(S::Error::custom("below zero")),
            _ => serializer.serialize_i32(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i32::deserialize(deserializer)?;
        match value.saturating_sub(LIMIT.get()) {
            101.. => panic!("far too large"),
            1..101 => Err(D::Error::custom("too large")),
            _ => Ok(Self(value)),
        }
    }
}

#[reacton]
static FRAGILE: Fragile = Fragile(0);

#[reacton]
static BESIDE: i32 = 0;

/// What the worker is to write to FRAGILE and BESIDE, in one batch.
#[reacton]
static ORDER: i32 = 0;

fn write(store: &ReactonStore, value: i32) {
    store.batch(|store| {
        store.set(&FRAGILE, Fragile(value));
        store.set(&BESIDE, value);
    });
}

fn held(store: &ReactonStore) -> (i32, i32) {
    (store.get(&FRAGILE).0, store.get(&BESIDE))
}

/// A worker that writes what is ordered and reports what it holds. It cannot decode a number above `limit`.
fn worker(store: &ReactonStore, limit: i32) -> (IsolateStore, Receiver<(i32, i32)>) {
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(store, shared![FRAGILE, BESIDE, ORDER, ASK], move |store| {
        LIMIT.set(limit);
        answer(store, tell, held);
        store.subscribe(&ORDER, |store, order| write(store, *order));
    });
    (worker.expect("the worker starts"), told)
}

fn words(store: &ReactonStore, worker: &IsolateStore) -> String {
    store.get(worker.last_error()).map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn i10_a_value_of_main_that_does_not_encode_harms_nothing_else() {
    let store = ReactonStore::new();
    let (worker, told) = worker(&store, i32::MAX);
    assert_eq!(store.get(worker.last_error()), None);
    write(&store, -1);
    assert_eq!(held(&store), (-1, -1), "main has lost its own write");
    assert_eq!(ask(&store, &told), (0, -1), "the other reacton of the transaction has not arrived");
    let words = words(&store, &worker);
    assert!(words.contains("FRAGILE") && words.contains("below zero"), "{words}");
    write(&store, 2);
    assert_eq!(ask(&store, &told), (2, 2), "a later value does not arrive");
    end(worker);
}

#[test]
fn i10_a_value_of_a_worker_that_does_not_encode_harms_nothing_else() {
    let store = ReactonStore::new();
    let (worker, told) = worker(&store, i32::MAX);
    store.set(&ORDER, -1);
    wait_until(&store, |store| store.get(worker.last_error()).is_some());
    assert_eq!(held(&store), (0, -1));
    let words = words(&store, &worker);
    assert!(words.contains("FRAGILE") && words.contains("below zero"), "{words}");
    assert_eq!(ask(&store, &told), (-1, -1));
    store.set(&ORDER, 3);
    wait_until(&store, |store| held(store) == (3, 3));
    end(worker);
}

#[test]
fn i10_any_value_of_the_other_side_replaces_one_that_was_not_sent() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![FRAGILE, ASK], move |store| {
        // The worker's clock runs ahead of that of main, which takes no turn.
        (1..100).for_each(|n| store.set(&FRAGILE, Fragile(-n)));
        answer(store, tell, |store| store.get(&FRAGILE));
    })
    .expect("the worker starts");
    assert_eq!(ask(&store, &told), Fragile(-99));
    store.set(&FRAGILE, Fragile(9));
    assert_eq!(ask(&store, &told), Fragile(9));
    wait_until(&store, |store| store.get(worker.last_error()).is_some());
    assert_eq!(store.get(&FRAGILE), Fragile(9));
    end(worker);
}

#[test]
fn i10_with_three_workers_a_value_that_does_not_encode_reaches_none() {
    let store = ReactonStore::new();
    let workers: Vec<_> = (0..3).map(|_| worker(&store, i32::MAX)).collect();
    write(&store, -1);
    store.update(&ASK, |asked| *asked += 1);
    for (worker, told) in &workers {
        assert_eq!(receive(told), (0, -1));
        assert!(store.get(worker.last_error()).is_some());
    }
    write(&store, 4);
    store.update(&ASK, |asked| *asked += 1);
    for (_, told) in &workers {
        assert_eq!(receive(told), (4, 4));
    }
    for (worker, _) in workers {
        end(worker);
    }
}

#[test]
fn i10_a_panic_in_serialize_is_reported_as_an_error_is() {
    let store = ReactonStore::new();
    let (worker, told) = worker(&store, i32::MAX);
    write(&store, -500);
    assert_eq!(held(&store), (-500, -500));
    assert_eq!(ask(&store, &told), (0, -500));
    assert!(words(&store, &worker).contains("far below zero"));
    store.set(&ORDER, -600);
    wait_until(&store, |store| store.get(&BESIDE) == -600);
    wait_until(&store, |store| words(store, &worker).contains("FRAGILE"));
    store.set(&ORDER, 5);
    wait_until(&store, |store| held(store) == (5, 5));
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    end(worker);
}

#[test]
fn i10_observers_of_the_last_error_are_called() {
    let store = ReactonStore::new();
    let (worker, _told) = worker(&store, i32::MAX);
    let (tell, told) = channel();
    store.subscribe(worker.last_error(), move |store, error| {
        tell.send((error.is_some(), store.get(&FRAGILE).0)).expect("the channel is open");
    });
    store.set(&FRAGILE, Fragile(-3));
    assert_eq!(told.try_recv(), Ok((true, -3)));
    write(&store, -4);
    assert!(told.try_recv().is_err(), "an equal error counts as a change");
    end(worker);
}

#[test]
fn i9_a_value_that_a_worker_cannot_decode_changes_nothing_there() {
    let store = ReactonStore::new();
    let (worker, told) = worker(&store, 10);
    write(&store, 11);
    assert_eq!(ask(&store, &told), (0, 11));
    wait_until(&store, |store| store.get(worker.last_error()).is_some());
    let words = words(&store, &worker);
    assert!(words.contains("FRAGILE") && words.contains("too large"), "{words}");
    write(&store, 10);
    assert_eq!(ask(&store, &told), (10, 10));
    end(worker);
}

#[test]
fn i9_a_value_that_main_cannot_decode_changes_nothing_here() {
    let store = ReactonStore::new();
    let (worker, _told) = worker(&store, i32::MAX);
    LIMIT.set(10);
    store.set(&ORDER, 11);
    wait_until(&store, |store| store.get(&BESIDE) == 11);
    assert_eq!(held(&store), (0, 11));
    let words = words(&store, &worker);
    assert!(words.contains("FRAGILE") && words.contains("too large"), "{words}");
    store.set(&ORDER, 9);
    wait_until(&store, |store| held(store) == (9, 9));
    end(worker);
}

#[test]
fn i9_a_panic_in_deserialize_is_reported_as_an_error_is() {
    let store = ReactonStore::new();
    let (worker, told) = worker(&store, 10);
    write(&store, 500);
    assert_eq!(ask(&store, &told), (0, 500));
    wait_until(&store, |store| words(store, &worker).contains("far too large"));
    LIMIT.set(10);
    store.set(&ORDER, 600);
    wait_until(&store, |store| store.get(&BESIDE) == 600);
    assert_eq!(store.get(&FRAGILE), Fragile(500));
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    end(worker);
}

#[cfg(debug_assertions)]
#[test]
fn i10_a_value_that_would_not_decode_is_not_sent_and_the_reason_is_reported() {
    /// A type that leaves out a field when it is serialized, but needs it to be decoded.
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        items: Vec<u8>,
    }
    #[reacton]
    static SPARSE: Sparse = Sparse { items: vec![1] };
    let store = ReactonStore::new();
    let worker =
        IsolateStore::spawn(&store, shared![BESIDE, SPARSE], |_| {}).expect("the worker starts");
    store.set(&SPARSE, Sparse { items: Vec::new() });
    let words = words(&store, &worker);
    assert!(words.contains("SPARSE") && words.contains("missing field `items`"), "{words}");
    assert_eq!(worker.stats().transactions_sent, 0);
    end(worker);
}

#[test]
fn i9_a_third_store_receives_what_the_second_could_not_decode() {
    // Main cannot decode the value and so does not hold it. Then it does not forward it, and no store gets half of the
    // transaction.
    let store = ReactonStore::new();
    let (one, _told) = worker(&store, i32::MAX);
    let (tell, told) = channel();
    let other = IsolateStore::spawn(&store, shared![FRAGILE, BESIDE, ASK], move |store| {
        answer(store, tell, held);
    })
    .expect("the worker starts");
    LIMIT.set(10);
    store.set(&ORDER, 11);
    wait_until(&store, |store| store.get(&BESIDE) == 11);
    assert_eq!(ask(&store, &told), (0, 11));
    store.set(&ORDER, 8);
    wait_until(&store, |store| store.get(&BESIDE) == 8);
    assert_eq!(ask(&store, &told), (8, 8));
    end(one);
    end(other);
}

#[test]
fn i10_a_worker_does_not_start_with_a_value_that_does_not_encode() {
    let store = ReactonStore::new();
    for value in [-1, -500] {
        store.set(&FRAGILE, Fragile(value));
        let failed = IsolateStore::spawn(&store, shared![BESIDE, FRAGILE], |_| {});
        let Err(SpawnError::Value { source, .. }) = failed else {
            panic!("spawn succeeds: {failed:?}")
        };
        assert!(source.to_string().contains("FRAGILE"), "{source}");
    }
    // Nothing of the worker is left: no wait of main stays open for it, and the same set starts with better values.
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    write(&store, 1);
    let (worker, told) = worker(&store, i32::MAX);
    assert_eq!(ask(&store, &told), (1, 1));
    end(worker);
}

#[test]
fn i9_a_worker_does_not_start_with_a_value_that_it_cannot_decode() {
    thread_local!(static REFUSES: Cell<bool> = const { Cell::new(true) });
    /// Can be decoded only on the test's own thread.
    #[derive(Clone, PartialEq, Debug)]
    struct Homebound(u8);
    impl Serialize for Homebound {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u8(self.0)
        }
    }
    impl<'de> Deserialize<'de> for Homebound {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match u8::deserialize(deserializer)? {
                _ if !REFUSES.get() => Ok(Self(0)),
                0 => Err(D::Error::custom("far from home")),
                _ => panic!("lost in {:?}", thread::current().name()),
            }
        }
    }
    #[reacton(eq = never)]
    static HOMEBOUND: Homebound = Homebound(0);

    REFUSES.set(false);
    let store = ReactonStore::new();
    for (value, words) in [(0, "far from home"), (1, "lost in")] {
        store.set(&HOMEBOUND, Homebound(value));
        let failed = IsolateStore::spawn(&store, shared![BESIDE, HOMEBOUND], |_| {});
        let Err(error @ SpawnError::Mismatch { .. }) = failed else {
            panic!("spawn succeeds: {failed:?}")
        };
        let said = error.to_string();
        assert!(said.contains("HOMEBOUND") && said.contains(words), "{said}");
    }
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}
