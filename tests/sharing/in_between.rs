//! I2, I3, I5, I11 when user code writes in the middle of something: while a transaction is encoded, sent, or applied.
//!
//! A [`Simulation`] without threads, so that each order is certain.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::{Simulation, version};
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Code that runs in the middle.
type Hook = Box<dyn FnOnce()>;

thread_local! {
    static ENCODED: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static DECODED: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static DROPPED: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

macro_rules! run {
    ($hook:ident) => {
        // Taken out first, because the hook may cause a call of this code again.
        let hook = $hook.try_with(|hook| hook.take()).ok().flatten();
        if let Some(hook) = hook {
            hook();
        }
    };
}

/// A value whose encoding and decoding run user code.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Busy(u32);

impl Serialize for Busy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        run!(ENCODED);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Busy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u32::deserialize(deserializer).map(Self);
        run!(DECODED);
        value
    }
}

/// Runs user code when the value 1 is dropped.
#[derive(PartialEq, Debug)]
struct Heavy(u32);

impl Drop for Heavy {
    fn drop(&mut self) {
        if self.0 == 1 {
            run!(DROPPED);
        }
    }
}

#[reacton]
static LEFT: Busy = Busy(0);

#[reacton]
static RIGHT: u32 = 0;

#[reacton]
static EFFECT: u32 = 0;

#[reacton(zero_copy)]
static COUNTED: Heavy = Heavy(0);

const BOTH: [Delivery; 2] = [Delivery::Every, Delivery::Latest];

/// All states that a store has seen: the values of `LEFT`, `RIGHT` and `EFFECT`.
type Seen = Rc<RefCell<Vec<(u32, u32, u32)>>>;

/// Returns main, its isolate, the worker's store, and everything that store sees from now on.
fn linked(delivery: Delivery) -> (Simulation, ReactonStore, IsolateStore, ReactonStore) {
    let simulation = Simulation::new(14);
    let store = ReactonStore::new();
    let shared = shared![LEFT, RIGHT, EFFECT, COUNTED];
    let builder = IsolateStore::builder().shared(shared).delivery(delivery);
    let isolate = builder.spawn(&store, |_: &ReactonStore| ()).expect("the worker starts");
    simulation.settle();
    let worker = simulation.workers().pop().expect("the simulation has a worker");
    (simulation, store, isolate, worker)
}

fn watched(store: &ReactonStore) -> Seen {
    let seen = Seen::default();
    let log = Rc::clone(&seen);
    store.effect(move |cx| {
        log.borrow_mut().push((cx.get(&LEFT).0, cx.get(&RIGHT), cx.get(&EFFECT)));
    });
    seen
}

/// Checks that both stores hold the same values with the same versions.
#[track_caller]
fn compare(a: &ReactonStore, b: &ReactonStore) {
    assert_eq!((a.get(&LEFT), version(a, &LEFT)), (b.get(&LEFT), version(b, &LEFT)));
    assert_eq!((a.get(&RIGHT), version(a, &RIGHT)), (b.get(&RIGHT), version(b, &RIGHT)));
    assert_eq!((a.get(&EFFECT), version(a, &EFFECT)), (b.get(&EFFECT), version(b, &EFFECT)));
    let counted = a.with(&COUNTED, |a| b.with(&COUNTED, |b| a == b));
    assert!(counted && version(a, &COUNTED) == version(b, &COUNTED));
}

/// Runs `f` with a clone of the store the next time that a value is encoded.
fn while_encoded(store: &ReactonStore, f: impl FnOnce(&ReactonStore) + 'static) {
    let store = store.clone();
    ENCODED.set(Some(Box::new(move || f(&store))));
}

fn write_pair(store: &ReactonStore, n: u32) {
    store.batch(|store| {
        store.set(&LEFT, Busy(n));
        store.set(&RIGHT, n);
    });
}

#[test]
fn i5_a_write_made_while_the_same_reacton_is_encoded_wins_everywhere() {
    for delivery in BOTH {
        let (simulation, store, _isolate, worker) = linked(delivery);
        while_encoded(&store, |store| store.set(&LEFT, Busy(2)));
        store.set(&LEFT, Busy(1));
        simulation.settle();
        assert_eq!(worker.get(&LEFT), Busy(2), "{delivery:?}");
        compare(&store, &worker);
    }
}

#[test]
fn i11_what_is_written_while_its_cause_is_encoded_arrives_after_it() {
    for delivery in BOTH {
        let (simulation, store, _isolate, worker) = linked(delivery);
        let seen = watched(&worker);
        while_encoded(&store, |store| store.set(&EFFECT, 1));
        store.set(&LEFT, Busy(1));
        simulation.settle();
        let before = seen.borrow().iter().any(|(cause, _, effect)| effect > cause);
        assert!(!before, "{delivery:?}: the effect arrived before its cause: {seen:?}");
        compare(&store, &worker);
    }
}

#[test]
fn i11_no_observer_is_called_before_the_write_is_on_every_link() {
    let (simulation, store, _isolate, worker) = linked(Delivery::Every);
    let seen = watched(&worker);
    store.subscribe(&LEFT, |store, left| store.set(&EFFECT, left.0));
    // A write of any reacton calls the queued observers.
    while_encoded(&store, |store| store.set(&RIGHT, 7));
    store.set(&LEFT, Busy(1));
    simulation.settle();
    // `LEFT`, `RIGHT` and `EFFECT` arrive in the order in which they were written.
    assert_eq!(*seen.borrow(), [(0, 0, 0), (1, 0, 0), (1, 7, 0), (1, 7, 1)]);
}

#[test]
fn i2_a_transaction_that_is_encoded_is_sent_as_it_was_committed() {
    for delivery in BOTH {
        let (simulation, store, _isolate, worker) = linked(delivery);
        let seen = watched(&worker);
        // Written as a whole, and edited in place.
        while_encoded(&store, |store| write_pair(store, 2));
        write_pair(&store, 1);
        simulation.settle();
        while_encoded(&store, |store| {
            store.batch(|store| {
                store.update(&LEFT, |left| left.0 += 1);
                store.update(&RIGHT, |right| *right += 1);
            });
        });
        write_pair(&store, 3);
        simulation.settle();
        assert!(
            seen.borrow().iter().all(|(left, right, _)| left == right),
            "{delivery:?}: {seen:?}"
        );
        assert_eq!(worker.get(&RIGHT), 4);
        compare(&store, &worker);
    }
}

#[test]
fn i6_a_catch_up_that_runs_user_code_converges_in_order() {
    for delivery in BOTH {
        let (simulation, store, isolate, worker) = linked(delivery);
        isolate.pause(&LEFT);
        isolate.pause(&RIGHT);
        simulation.settle();
        write_pair(&worker, 1);
        simulation.settle();
        let seen = watched(&store);
        while_encoded(&worker, |worker| {
            worker.set(&EFFECT, 1);
            worker.set(&LEFT, Busy(2));
        });
        store.batch(|_| {
            isolate.resume(&LEFT);
            isolate.resume(&RIGHT);
        });
        simulation.settle();
        assert!(
            seen.borrow().iter().all(|(left, _, effect)| left >= effect),
            "{delivery:?}: {seen:?}"
        );
        assert!(seen.borrow().iter().all(|(left, right, _)| *left != 2 || *right == 1), "{seen:?}");
        assert_eq!(store.get(&LEFT), Busy(2));
        compare(&store, &worker);
    }
}

#[test]
fn i1_a_snapshot_holds_what_was_committed_though_user_code_writes_while_it_is_packed() {
    let simulation = Simulation::new(14);
    let store = ReactonStore::new();
    write_pair(&store, 1);
    while_encoded(&store, |store| write_pair(store, 2));
    let worker =
        IsolateStore::spawn(&store, shared![LEFT, RIGHT, EFFECT], |store: &ReactonStore| {
            let pair = (store.get(&LEFT).0, store.get(&RIGHT));
            assert_eq!(pair, (1, 1));
        });
    let worker = worker.expect("the worker starts");
    simulation.settle();
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    let inside = simulation.workers().pop().expect("the simulation has a worker");
    assert_eq!((inside.get(&LEFT).0, inside.get(&RIGHT)), (2, 2));
    compare(&store, &inside);
}

#[test]
fn i5_what_user_code_writes_while_an_arrival_is_decoded_wins_or_loses_everywhere() {
    for delivery in BOTH {
        let (simulation, store, _isolate, worker) = linked(delivery);
        let writer = worker.clone();
        // Encoded and then decoded as a check, in main; and decoded again in the worker.
        store.set(&LEFT, Busy(3));
        DECODED.set(Some(Box::new(move || write_pair(&writer, 5))));
        simulation.settle();
        assert_eq!((store.get(&RIGHT), worker.get(&RIGHT)), (5, 5), "{delivery:?}");
        compare(&store, &worker);
    }
}

#[test]
fn i5_a_write_made_while_a_displaced_value_is_dropped_wins_everywhere() {
    for delivery in BOTH {
        let (simulation, store, _isolate, worker) = linked(delivery);
        let writer = store.clone();
        DROPPED.set(Some(Box::new(move || writer.set(&COUNTED, Heavy(9)))));
        store.set(&COUNTED, Heavy(1));
        // Replaces the first value, in the store and in the queue to the worker.
        store.set(&COUNTED, Heavy(2));
        simulation.settle();
        assert!(store.with(&COUNTED, |counted| counted.0 == 9), "{delivery:?}");
        compare(&store, &worker);
    }
}

/// A log in a shared reacton: each event of the library is a write.
struct Log(RefCell<Option<ReactonStore>>);

thread_local! {
    static LOG: Log = const { Log(RefCell::new(None)) };
}

impl Log {
    fn note(&self) {
        // One event at a time: events of the write itself are not recorded.
        let store = self.0.take();
        if let Some(store) = store {
            store.update(&EFFECT, |events| *events += 1);
            self.0.replace(Some(store));
        }
    }
}

struct Logging;

impl Subscriber for Logging {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        LOG.with(Log::note);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {
        LOG.with(Log::note);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn i5_a_subscriber_of_tracing_that_writes_what_is_being_sent_leaves_all_equal() {
    for delivery in BOTH {
        let (simulation, store, _isolate, worker) = linked(delivery);
        LOG.with(|log| log.0.replace(Some(store.clone())));
        tracing::subscriber::with_default(Logging, || {
            store.set(&EFFECT, 1000);
            store.set(&LEFT, Busy(1));
            worker.set(&LEFT, Busy(2));
            (0..3).for_each(|_| _ = simulation.step());
        });
        // Otherwise each arrival would be an event, and each event an arrival.
        LOG.with(|log| log.0.take());
        simulation.settle();
        assert!(store.get(&EFFECT) > 1000, "{delivery:?}: EFFECT was hardly written");
        compare(&store, &worker);
    }
}

#[test]
fn s6_a_turn_while_a_value_is_encoded_applies_nothing() {
    let (simulation, store, _isolate, worker) = linked(Delivery::Every);
    worker.set(&RIGHT, 5);
    let taken = Rc::new(RefCell::new(None));
    let log = Rc::clone(&taken);
    while_encoded(&store, move |store| _ = log.replace(Some((store.pump(), store.get(&RIGHT)))));
    store.set(&LEFT, Busy(1));
    assert_eq!(*taken.borrow(), Some((0, 0)));
    simulation.settle();
    assert_eq!(store.get(&RIGHT), 5);
    compare(&store, &worker);
}

#[test]
fn i5_a_panic_while_a_value_is_encoded_loses_nothing_that_was_written_meanwhile() {
    let (simulation, store, isolate, worker) = linked(Delivery::Every);
    while_encoded(&store, |store| {
        store.set(&RIGHT, 3);
        std::panic::panic_any("while it is encoded");
    });
    store.set(&LEFT, Busy(1));
    assert!(store.get(isolate.last_error()).is_some(), "the value was sent");
    simulation.settle();
    assert_eq!(worker.get(&RIGHT), 3);
    store.set(&LEFT, Busy(2));
    simulation.settle();
    compare(&store, &worker);
    assert_eq!(worker.get(&LEFT), Busy(2));
}
