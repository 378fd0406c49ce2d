//! S3, I1, I2: shared values that a batch edits in place.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton::testing::{Simulation, version};
use reacton_support::receive;
use serde::{Deserialize, Serialize, Serializer};

use crate::{ASK, answer, ask, end};

thread_local! {
    static CLONES: Cell<usize> = const { Cell::new(0) };
    /// Runs while a list is encoded.
    static ENCODED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// A large value that counts its clones.
#[derive(PartialEq, Debug, Default, Deserialize)]
struct Large(Vec<u32>);

impl Clone for Large {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Self(self.0.clone())
    }
}

impl Serialize for Large {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(run) = ENCODED.take() {
            run();
        }
        serializer.serialize_newtype_struct("Large", &self.0)
    }
}

#[reacton]
static LARGE: Large = Large::default();

#[reacton]
static OTHER: Large = Large::default();

fn push(store: &ReactonStore, reacton: &Reacton<Large>) {
    store.update(reacton, |large| large.0.push(1));
}

fn lengths(store: &ReactonStore) -> (usize, usize) {
    (store.with(&LARGE, |large| large.0.len()), store.with(&OTHER, |large| large.0.len()))
}

#[test]
fn i2_an_update_of_a_shared_value_in_a_batch_clones_nothing_and_arrives_whole() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LARGE, OTHER, ASK], move |store| {
        let seen = tell.clone();
        answer(store, tell, lengths);
        store.effect(move |cx| {
            let both = (cx.with(&LARGE, |all| all.0.len()), cx.with(&OTHER, |all| all.0.len()));
            seen.send(both).expect("the channel is open");
        });
    })
    .expect("the worker starts");
    assert_eq!(receive(&told), (0, 0));
    CLONES.take();
    store.batch(|store| {
        push(store, &LARGE);
        push(store, &OTHER);
        push(store, &LARGE);
    });
    assert_eq!((CLONES.take(), receive(&told)), (0, (2, 1)));
    assert_eq!(ask(&store, &told), (2, 1));
    end(worker);
}

#[test]
fn i1_a_spawn_in_a_batch_that_has_edited_a_shared_value_in_place_is_refused_with_the_remedy() {
    let store = ReactonStore::new();
    let spawn = |store: &ReactonStore| {
        let (tell, told) = channel();
        let worker = IsolateStore::spawn(store, shared![LARGE], move |store| {
            tell.send(lengths(store).0).expect("the channel is open");
        });
        worker.map(|worker| (worker, receive(&told)))
    };
    store.batch(|store| {
        push(store, &LARGE);
        let refused = spawn(store).expect_err("spawn fails");
        let refused = refused.source().map(ToString::to_string).unwrap_or_default();
        assert!(refused.contains("LARGE") && refused.contains("after the batch"), "{refused}");
    });
    let (worker, length) = spawn(&store).expect("the spawn succeeds after the batch");
    assert_eq!(length, 1);
    end(worker);
    // A batch copies only what it edits, and a value that is held elsewhere is unchanged.
    let _held = store.snapshot();
    store.batch(|store| {
        store.update_if(&LARGE, |_| false);
        push(store, &LARGE);
        let (worker, length) = spawn(store).expect("the worker starts");
        assert_eq!(length, 1, "the worker begins with the last committed value");
        worker.detach();
    });
    let other = ReactonStore::new();
    other.batch(|other| {
        other.update_if(&LARGE, |_| false);
        let (worker, length) = spawn(other).expect("the worker starts");
        assert_eq!(length, 0);
        worker.detach();
    });
}

#[test]
fn i2_what_is_edited_in_place_while_a_transaction_is_encoded_is_not_in_it() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(15);
        let store = ReactonStore::new();
        let builder = IsolateStore::builder().shared(shared![LARGE, OTHER]).delivery(delivery);
        let isolate = builder.spawn(&store, |_: &ReactonStore| ()).expect("the worker starts");
        simulation.settle();
        let worker = simulation.workers().pop().expect("the simulation has a worker");
        let seen = worker.reacton(Vec::new());
        worker.effect(move |cx| {
            let both = (cx.with(&LARGE, |all| all.0.len()), cx.with(&OTHER, |all| all.0.len()));
            cx.untracked(|store| store.update(&seen, |seen| seen.push(both)));
        });
        let writer = store.clone();
        ENCODED.set(Some(Box::new(move || {
            writer.batch(|store| {
                push(store, &LARGE);
                push(store, &OTHER);
            });
        })));
        store.batch(|store| {
            push(store, &LARGE);
            push(store, &OTHER);
        });
        simulation.settle();
        let seen = worker.get(&seen);
        assert!(seen.iter().all(|(large, other)| large == other), "{delivery:?}: {seen:?}");
        assert_eq!((lengths(&store), lengths(&worker)), ((2, 2), (2, 2)), "{delivery:?}");
        assert_eq!(version(&store, &LARGE), version(&worker, &LARGE));
        assert_eq!(store.get(isolate.last_error()), None);
    }
}

#[test]
fn i5_an_edit_in_place_made_while_an_arrival_is_decoded_wins_or_loses_everywhere() {
    thread_local! {
        static DECODED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    }
    #[derive(Clone, PartialEq, Debug, Serialize)]
    struct Busy(u32);
    impl<'de> Deserialize<'de> for Busy {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let value = u32::deserialize(deserializer).map(Self);
            if let Some(run) = DECODED.take() {
                run();
            }
            value
        }
    }
    #[reacton]
    static BUSY: Busy = Busy(0);
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(15);
        let store = ReactonStore::new();
        let shared = shared![BUSY, LARGE, OTHER];
        let builder = IsolateStore::builder().shared(shared).delivery(delivery);
        let isolate = builder.spawn(&store, |_: &ReactonStore| ()).expect("the worker starts");
        simulation.settle();
        let worker = simulation.workers().pop().expect("the simulation has a worker");
        store.batch(|store| {
            store.set(&BUSY, Busy(1));
            push(store, &LARGE);
            push(store, &OTHER);
        });
        let writer = worker.clone();
        DECODED.set(Some(Box::new(move || {
            writer.batch(|worker| {
                worker.update(&LARGE, |large| large.0 = vec![9; 3]);
                worker.update(&OTHER, |other| other.0 = vec![9; 3]);
            });
        })));
        simulation.settle();
        assert_eq!((lengths(&store), lengths(&worker)), ((3, 3), (3, 3)), "{delivery:?}");
        assert_eq!(version(&store, &OTHER), version(&worker, &OTHER));
        assert_eq!(store.get(isolate.last_error()), None);
    }
}
