//! I5 for several reactons: values that user code writes together while a transaction is applied are not mixed with
//! that transaction.
//!
//! A [`Simulation`] without threads, so that each order is certain.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::{Simulation, version};
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Debug)]
enum When {
    Decoded,
    Compared,
    Dropped,
    Encoded,
}

/// When a value's code does something, and what.
type Hook = (When, Box<dyn FnOnce()>);

thread_local! {
    /// The code that runs once, and when.
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    /// Whether the arriving value was compared with the one that it replaces. Then the next drop of the replaced one is
    /// that of the replacement.
    static IS_REPLACED: Cell<bool> = const { Cell::new(false) };
}

const BEFORE: u32 = 1;
const ARRIVING: u32 = 2;
const MEANWHILE: u32 = 3;

/// A value that runs user code when it is encoded, decoded, compared or dropped.
#[derive(Clone, Debug)]
struct Busy(u32);

fn run(when: When) {
    let hook = HOOK.try_with(|hook| hook.borrow_mut().take_if(|hook| hook.0 == when));
    if let Ok(Some((_, hook))) = hook {
        hook();
    }
}

impl<'de> Deserialize<'de> for Busy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u32::deserialize(deserializer)?;
        if value == ARRIVING {
            run(When::Decoded);
        }
        Ok(Self(value))
    }
}

impl PartialEq for Busy {
    fn eq(&self, other: &Self) -> bool {
        if (self.0, other.0) == (BEFORE, ARRIVING) {
            IS_REPLACED.set(true);
            run(When::Compared);
        }
        self.0 == other.0
    }
}

impl Serialize for Busy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == ARRIVING {
            run(When::Encoded);
        }
        self.0.serialize(serializer)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0 == BEFORE && IS_REPLACED.try_with(Cell::get) == Ok(true) {
            run(When::Dropped);
        }
    }
}

#[reacton]
static LEFT: u32 = 0;

#[reacton]
static MIDDLE: Busy = Busy(0);

#[reacton]
static RIGHT: u32 = 0;

/// A worker that receives the values by reference count.
#[worker(shared = [LEFT, MIDDLE, RIGHT], zero_copy)]
fn by_reference(_: &ReactonStore) {}

fn write(store: &ReactonStore, number: u32) {
    store.batch(|store| {
        store.set(&LEFT, number);
        store.set(&MIDDLE, Busy(number));
        store.set(&RIGHT, number);
    });
}

type State = (u32, u32, u32);

fn state(store: &ReactonStore) -> State {
    (store.get(&LEFT), store.with(&MIDDLE, |middle| middle.0), store.get(&RIGHT))
}

/// Returns all states that the store's observers see from now on.
fn watched(store: &ReactonStore) -> Rc<RefCell<Vec<State>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    store.effect(move |cx| {
        log.borrow_mut().push((cx.get(&LEFT), cx.with(&MIDDLE, |middle| middle.0), cx.get(&RIGHT)));
    });
    seen
}

/// Main writes. While a store below main applies that, user code there reads and writes the same reactons.
fn write_meanwhile(when: When, [upper, lower]: [SharedSet; 2], delivery: Delivery) {
    let simulation = Rc::new(Simulation::new(14));
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(upper).delivery(delivery);
    let _worker = builder.spawn(&store, |_: &ReactonStore| ()).expect("the worker starts");
    simulation.settle();
    let worker = simulation.workers().pop().expect("the simulation has a worker");
    let builder = IsolateStore::builder().shared(lower).delivery(delivery);
    let _leaf = builder.spawn(&worker, |_: &ReactonStore| ()).expect("the worker starts");
    simulation.settle();
    let leaf = simulation.workers().pop().expect("the simulation has a worker");
    write(&store, BEFORE);
    simulation.settle();
    let stores = [store, worker, leaf];
    let seen = stores.each_ref().map(watched);
    write(&stores[0], ARRIVING);
    let acting = Rc::downgrade(&simulation);
    IS_REPLACED.set(false);
    let read = Rc::new(Cell::new(None));
    let log = Rc::clone(&read);
    let hook = move || {
        let store = acting.upgrade().and_then(|simulation| simulation.acting());
        let store = store.expect("the store is applying a transaction");
        log.set(Some(state(&store)));
        write(&store, MEANWHILE);
    };
    HOOK.set(Some((when, Box::new(hook))));
    simulation.settle();
    let is_whole = |state: &State| state.0 == state.1 && state.1 == state.2;
    let read = read.get().expect("user code ran");
    assert!(is_whole(&read), "{when:?}, {delivery:?}: {read:?}");
    for (store, seen) in stores.iter().zip(seen) {
        let seen = seen.borrow();
        assert!(seen.iter().all(is_whole), "{when:?}, {delivery:?}: {seen:?}");
        assert_eq!(state(store), (MEANWHILE, MEANWHILE, MEANWHILE), "{when:?}, {delivery:?}");
        let versions = |store: &ReactonStore| {
            [version(store, &LEFT), version(store, &MIDDLE), version(store, &RIGHT)]
        };
        assert_eq!(versions(store), versions(&stores[0]), "{when:?}, {delivery:?}");
    }
}

/// As [`write_meanwhile`], with values that cross each of the two links as bytes or by reference count.
fn write_meanwhile_over_all_links(when: When) {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let bytes = || shared![LEFT, MIDDLE, RIGHT];
        write_meanwhile(when, [bytes(), bytes()], delivery);
        write_meanwhile(when, [bytes(), by_reference::shared()], delivery);
        write_meanwhile(when, [by_reference::shared(), bytes()], delivery);
    }
}

#[test]
fn i5_a_pair_that_is_written_while_a_transaction_is_decoded_is_never_mixed() {
    write_meanwhile_over_all_links(When::Decoded);
}

#[test]
fn i5_a_pair_that_is_written_while_a_transaction_is_compared_is_never_mixed() {
    write_meanwhile_over_all_links(When::Compared);
}

#[test]
fn i5_a_pair_that_is_written_while_a_displaced_value_is_dropped_is_never_mixed() {
    write_meanwhile_over_all_links(When::Dropped);
}

#[test]
fn i5_a_pair_that_is_written_while_a_transaction_is_encoded_to_be_relayed_is_never_mixed() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let sets = [by_reference::shared(), shared![LEFT, MIDDLE, RIGHT]];
        write_meanwhile(When::Encoded, sets, delivery);
    }
}

#[test]
fn i5_what_is_written_while_one_value_is_decoded_is_one_transaction_that_follows_it() {
    let simulation = Rc::new(Simulation::new(14));
    let store = ReactonStore::new();
    let shared = shared![LEFT, MIDDLE, RIGHT];
    let _worker =
        IsolateStore::spawn(&store, shared, |_: &ReactonStore| ()).expect("the worker starts");
    simulation.settle();
    let worker = simulation.workers().pop().expect("the simulation has a worker");
    write(&worker, BEFORE);
    simulation.settle();
    let seen = watched(&worker);
    store.set(&MIDDLE, Busy(ARRIVING));
    let writer = worker.clone();
    HOOK.set(Some((When::Decoded, Box::new(move || write(&writer, MEANWHILE)))));
    simulation.settle();
    assert_eq!(*seen.borrow(), [(1, 1, 1), (3, 3, 3)]);
    assert_eq!(state(&store), (3, 3, 3));
}
