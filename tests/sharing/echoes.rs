//! I4: a change is never sent back, and is forwarded to all other stores.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, channel};

use reacton::prelude::*;
use reacton_support::{receive, wait_until};
use serde::{Deserialize, Serialize, Serializer};

use crate::{ASK, answer, ask, end};

#[reacton]
static VALUE: u32 = 0;

#[reacton]
static ORDER: u32 = 0;

/// A worker that writes VALUE when its number is ordered, and reports its value when it is asked.
fn writer(store: &ReactonStore, number: u32) -> (IsolateStore, Receiver<u32>) {
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(store, shared![VALUE, ORDER, ASK], move |store| {
        answer(store, tell, |store| store.get(&VALUE));
        store.subscribe(&ORDER, move |store, order| {
            if order / 100 == number {
                store.set(&VALUE, *order);
            }
        });
    });
    (worker.expect("the worker starts"), told)
}

fn traffic(worker: &IsolateStore) -> (u64, u64) {
    let stats = worker.stats();
    (stats.changes_sent, stats.changes_received)
}

#[test]
fn i4_a_change_is_never_sent_back() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store, 1);
    store.set(&VALUE, 5);
    assert_eq!(ask(&store, &told), 5);
    store.pump();
    assert_eq!(traffic(&worker), (2, 0), "VALUE and ASK were sent, and nothing was received");
    store.set(&ORDER, 100);
    wait_until(&store, |store| store.get(&VALUE) == 100);
    assert_eq!(ask(&store, &told), 100);
    store.pump();
    assert_eq!(
        traffic(&worker),
        (4, 1),
        "ORDER and ASK were sent, and VALUE was received and not sent back"
    );
    end(worker);
}

#[test]
fn i4_three_workers_never_send_back_what_main_writes() {
    let store = ReactonStore::new();
    let workers: Vec<_> = (1..=3).map(|number| writer(&store, number)).collect();
    store.set(&VALUE, 5);
    store.update(&ASK, |asked| *asked += 1);
    for (worker, told) in &workers {
        assert_eq!(receive(told), 5);
        assert_eq!(traffic(worker), (2, 0));
    }
    assert_eq!(store.pump(), 0);
    for (worker, _) in workers {
        end(worker);
    }
}

#[test]
fn i4_what_one_worker_writes_is_sent_on_to_the_others() {
    let store = ReactonStore::new();
    let workers: Vec<_> = (1..=3).map(|number| writer(&store, number)).collect();
    store.set(&ORDER, 207);
    wait_until(&store, |store| store.get(&VALUE) == 207);
    store.update(&ASK, |asked| *asked += 1);
    for (number, (worker, told)) in (1..).zip(&workers) {
        assert_eq!(receive(told), 207);
        // ORDER and ASK go to all workers, VALUE to all but the one that wrote it.
        assert_eq!(traffic(worker), if number == 2 { (2, 1) } else { (3, 0) });
    }
    assert_eq!(store.pump(), 0);
    for (worker, _) in workers {
        end(worker);
    }
}

#[test]
fn i4_an_answer_to_a_change_does_go_back() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store, 1);
    store.subscribe(&VALUE, |store, value| {
        if value % 2 == 1 {
            store.set(&VALUE, value + 1);
        }
    });
    store.set(&ORDER, 101);
    wait_until(&store, |store| store.get(&VALUE) == 102);
    assert_eq!(ask(&store, &told), 102);
    end(worker);
}

thread_local! {
    /// How often a `Counted` was serialized on this thread.
    static SERIALIZED: Cell<usize> = const { Cell::new(0) };
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Counted(Vec<u32>);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SERIALIZED.set(SERIALIZED.get() + 1);
        serializer.serialize_newtype_struct("Counted", &self.0)
    }
}

#[reacton]
static COUNTED: Counted = Counted(Vec::new());

#[test]
fn i4_what_is_sent_on_is_sent_as_it_was_received() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let reader = IsolateStore::spawn(&store, shared![COUNTED], move |store| {
        store.subscribe(&COUNTED, move |_, counted| {
            tell.send(counted.0.len()).expect("the channel is open");
        });
    });
    let writer = IsolateStore::spawn(&store, shared![COUNTED, ORDER], |store| {
        store.subscribe(&ORDER, |store, order| store.set(&COUNTED, Counted(vec![*order; 100])));
    });
    let before = SERIALIZED.get();
    store.set(&ORDER, 7);
    wait_until(&store, |store| store.get(&COUNTED).0.len() == 100);
    assert_eq!(receive(&told), 100);
    assert_eq!(SERIALIZED.get(), before, "main has serialized the value again");
    end(writer.expect("the worker starts"));
    end(reader.expect("the worker starts"));
}
