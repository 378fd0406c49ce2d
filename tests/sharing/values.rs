//! I8: which values can be shared, and how they cross a link.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, ThreadId};

use reacton::prelude::*;
use reacton_support::{receive, wait_until};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ASK, answer, ask, end};

#[reacton(zero_copy)]
static PICTURE: Vec<u8> = Vec::new();

#[reacton]
static PLAIN: Vec<u8> = Vec::new();

#[reacton]
static RESULT: Option<Vec<u8>> = None;

/// Neither serializable, nor comparable, nor `Clone`.
#[derive(Default)]
struct Opaque(Mutex<Vec<u32>>);

#[reacton(zero_copy, eq = never)]
static OPAQUE: Opaque = Opaque::default();

/// Not serializable, but can be handed over.
#[derive(Clone, PartialEq, Debug)]
struct Handed(Vec<u32>);

#[reacton]
static HANDED: Handed = Handed(Vec::new());

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle { radius: f64 },
    Named(String, Option<Box<Shape>>),
}

#[reacton]
static SHAPE: Shape = Shape::Empty;

#[reacton]
static TABLE: HashMap<String, serde_json::Value> = HashMap::new();

fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr().addr()
}

#[test]
fn i8_a_zero_copy_value_is_the_same_allocation_on_both_sides() {
    let store = ReactonStore::new();
    store.set(&PICTURE, vec![1; 1000]);
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICTURE, ASK], move |store| {
        answer(store, tell, |store| store.with(&PICTURE, |bytes| address(bytes)));
    })
    .expect("the worker starts");
    assert_eq!(
        ask(&store, &told),
        store.with(&PICTURE, |bytes| address(bytes)),
        "in the handshake"
    );
    store.set(&PICTURE, vec![2; 1000]);
    assert_eq!(
        ask(&store, &told),
        store.with(&PICTURE, |bytes| address(bytes)),
        "in a later transaction"
    );
    assert_eq!(worker.stats().bytes_sent, 2, "more than the two questions was serialized");
    end(worker);
}

#[test]
fn i8_a_zero_copy_value_of_a_worker_is_shared_by_reference_count_too() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICTURE], move |store| {
        store.set(&PICTURE, vec![7; 1000]);
        tell.send(store.with(&PICTURE, |bytes| address(bytes))).expect("the channel is open");
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.with(&PICTURE, |picture| picture.len() == 1000));
    assert_eq!(receive(&told), store.with(&PICTURE, |bytes| address(bytes)));
    assert_eq!(worker.stats().bytes_received, 0);
    end(worker);
}

#[test]
fn i8_a_zero_copy_value_makes_stale_and_can_be_touched_like_any_other() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let (tell, told) = channel();
    let (tell_stale, stale) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICTURE, PLAIN], move |store| {
        store.subscribe(&PICTURE, move |_, bytes| {
            tell.send(address(bytes)).expect("the channel is open");
        });
        signal.recv().expect("a message arrives");
        let stale = [store.is_stale(&PICTURE), store.is_stale(&PLAIN)];
        tell_stale.send(stale).expect("the channel is open");
    })
    .expect("the worker starts");
    store.set(&PICTURE, vec![1; 10]);
    go.send(()).expect("the channel is open");
    assert_eq!(receive(&stale), [true, false]);
    let place = store.with(&PICTURE, |bytes| address(bytes));
    assert_eq!(receive(&told), place);
    store.touch(&PICTURE);
    assert_eq!(receive(&told), place, "the worker is called again, with the same allocation");
    end(worker);
}

/// Reports which thread drops it.
#[derive(Default)]
struct Tracked {
    bytes: Vec<u8>,
    tell: Option<Sender<ThreadId>>,
}

impl Tracked {
    /// Returns a value of 16 MB, and a receiver that reports its drop.
    fn new() -> (Self, Receiver<ThreadId>) {
        let (tell, told) = channel();
        (Self { bytes: vec![0; 16 << 20], tell: Some(tell) }, told)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(tell) = &self.tell {
            // The receiver may be gone.
            let _ = tell.send(thread::current().id());
        }
    }
}

#[reacton(zero_copy, eq = never)]
static TRACKED: Tracked = Tracked::default();

fn where_it_is(store: &ReactonStore) -> usize {
    store.with(&TRACKED, |tracked| address(&tracked.bytes))
}

#[test]
fn i8_a_zero_copy_value_is_freed_by_main_if_main_is_the_last_to_let_go() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![TRACKED, ASK], |store| {
        answer(store, tell, where_it_is);
    })
    .expect("the worker starts");
    let (tracked, freed) = Tracked::new();
    let place = address(&tracked.bytes);
    store.set(&TRACKED, tracked);
    assert_eq!((ask(&store, &told), where_it_is(&store)), (place, place));
    end(worker);
    assert_eq!(freed.try_recv(), Err(TryRecvError::Empty), "main still holds the value");
    store.set(&TRACKED, Tracked::default());
    assert_eq!(freed.try_recv(), Ok(thread::current().id()));
    assert_eq!(freed.try_recv(), Err(TryRecvError::Disconnected), "once");
}

#[test]
fn i8_a_zero_copy_value_is_freed_by_a_worker_that_is_the_last_to_let_go() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![TRACKED, ASK], |store| {
        store.subscribe(&TRACKED, |store, _| {
            MainLink::of(store).expect("the store belongs to a worker").pause(&TRACKED);
        });
        answer(store, tell, |store| (where_it_is(store), thread::current().id()));
    })
    .expect("the worker starts");
    let (tracked, freed) = Tracked::new();
    let place = address(&tracked.bytes);
    store.set(&TRACKED, tracked);
    let (held, thread) = ask(&store, &told);
    assert_eq!(held, place);
    store.set(&TRACKED, Tracked::default());
    assert_eq!(ask(&store, &told), (place, thread), "the worker still has the old value");
    assert_eq!(freed.try_recv(), Err(TryRecvError::Empty), "the worker still holds the old value");
    end(worker);
    assert_eq!(freed.try_recv(), Ok(thread));
    assert_eq!(freed.try_recv(), Err(TryRecvError::Disconnected), "once");
}

/// Counts how often it is encoded.
#[derive(Clone, PartialEq)]
struct Costly(u32);

static ENCODED: AtomicU32 = AtomicU32::new(0);

impl Serialize for Costly {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ENCODED.fetch_add(1, Ordering::SeqCst);
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Costly {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(Self)
    }
}

#[reacton]
static COSTLY: Costly = Costly(0);

#[test]
fn i8_a_value_is_encoded_once_for_all_links_and_not_for_links_that_are_not_subscribed() {
    let store = ReactonStore::new();
    let spawn = || {
        let (tell, told) = channel();
        let worker = IsolateStore::spawn(&store, shared![COSTLY, ASK], |store| {
            store.subscribe(&COSTLY, |store, costly| {
                if *costly == Costly(2) {
                    MainLink::of(store).expect("the store belongs to a worker").pause(&COSTLY);
                }
            });
            answer(store, tell, |store| store.get(&COSTLY).0);
        });
        (worker.expect("the worker starts"), told)
    };
    let ((first, told_first), (second, told_second)) = (spawn(), spawn());
    let encoded_by = |value, held| {
        let before = ENCODED.load(Ordering::SeqCst);
        store.set(&COSTLY, Costly(value));
        let encoded = ENCODED.load(Ordering::SeqCst) - before;
        assert_eq!((ask(&store, &told_first), receive(&told_second)), (held, held));
        // Applies the workers' pauses, which were sent before the answers.
        store.pump();
        encoded
    };
    assert_eq!([encoded_by(1, 1), encoded_by(2, 2), encoded_by(3, 2)], [1, 1, 0]);
    end(first);
    end(second);
}

#[test]
fn i8_an_edit_of_a_value_that_other_stores_hold_does_not_change_theirs() {
    let store = ReactonStore::new();
    store.set(&PICTURE, vec![1; 10]);
    let (go, signal) = channel();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICTURE], move |store| {
        signal.recv().expect("a message arrives");
        tell.send(store.get(&PICTURE)).expect("the channel is open");
    })
    .expect("the worker starts");
    store.update(&PICTURE, |picture| picture[0] = 9);
    go.send(()).expect("the channel is open");
    assert_eq!(receive(&told), [1; 10]);
    assert_eq!(store.get(&PICTURE)[0], 9);
    end(worker);
}

#[test]
fn i8_a_type_without_serde_is_shared_by_reference_count() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![OPAQUE], move |store| {
        store.subscribe(&OPAQUE, move |_, opaque| {
            let mut list = opaque.0.lock().expect("the mutex is not poisoned");
            list.push(2);
            tell.send(list.clone()).expect("the channel is open");
        });
    })
    .expect("the worker starts");
    store.set(&OPAQUE, Opaque(Mutex::new(vec![1])));
    assert_eq!(receive(&told), [1, 2]);
    store.with(&OPAQUE, |opaque| {
        assert_eq!(*opaque.0.lock().expect("the mutex is not poisoned"), [1, 2]);
    });
    end(worker);
}

#[worker(shared = [PLAIN, HANDED], zero_copy)]
fn handing(store: &ReactonStore, tell: Sender<usize>) {
    tell.send(store.with(&PLAIN, |bytes| address(bytes))).expect("the channel is open");
    store.subscribe(&PLAIN, move |store, plain| {
        tell.send(address(plain)).expect("the channel is open");
        store.update(&HANDED, |handed| handed.0.push(1));
    });
}

#[test]
fn i8_a_worker_can_ask_for_zero_copy_of_all_that_it_shares() {
    let store = ReactonStore::new();
    store.set(&PLAIN, vec![3; 500]);
    let (tell, told) = channel();
    let worker = handing::spawn(&store, tell).expect("the worker starts");
    assert_eq!(receive(&told), store.with(&PLAIN, |bytes| address(bytes)));
    store.set(&PLAIN, vec![4; 500]);
    assert_eq!(receive(&told), store.with(&PLAIN, |bytes| address(bytes)));
    wait_until(&store, |store| store.with(&HANDED, |handed| handed.0 == [1]));
    let stats = worker.stats();
    assert_eq!((stats.bytes_sent, stats.bytes_received), (0, 0));
    end(worker);
}

/// A worker that shares PLAIN serialized, writes it when it is asked, and reports what it holds.
fn copying(store: &ReactonStore) -> (IsolateStore, Receiver<Vec<u8>>) {
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(store, shared![PLAIN, ASK], move |store| {
        answer(store, tell, |store| store.get(&PLAIN));
    });
    (worker.expect("the worker starts"), told)
}

#[test]
fn i8_one_reacton_may_cross_in_two_forms() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let (copier, told_copy) = copying(&store);
    let hander = handing::spawn(&store, tell).expect("the worker starts");
    receive(&told);
    store.set(&PLAIN, vec![5; 9]);
    assert_eq!(receive(&told), store.with(&PLAIN, |bytes| address(bytes)));
    assert_eq!(ask(&store, &told_copy), [5; 9]);
    end(hander);
    store.set(&PLAIN, vec![6; 9]);
    assert_eq!(ask(&store, &told_copy), [6; 9]);
    end(copier);
}

#[worker(shared = [PLAIN], zero_copy)]
fn filling(store: &ReactonStore, byte: u8) {
    store.set(&PLAIN, vec![byte; 3]);
}

#[test]
fn i8_what_comes_in_one_form_is_sent_on_in_the_other() {
    let store = ReactonStore::new();
    let (copier, told_copy) = copying(&store);
    let filler = filling::spawn(&store, 8).expect("the worker starts");
    wait_until(&store, |store| store.get(&PLAIN) == [8; 3]);
    assert_eq!(ask(&store, &told_copy), [8; 3]);
    end(filler);
    // In the other direction.
    let (tell, told) = channel();
    let hander = handing::spawn(&store, tell).expect("the worker starts");
    receive(&told);
    let writer = IsolateStore::spawn(&store, shared![PLAIN], |store| store.set(&PLAIN, vec![9; 3]));
    wait_until(&store, |store| store.get(&PLAIN) == [9; 3]);
    receive(&told);
    end(writer.expect("the worker starts"));
    end(hander);
    end(copier);
}

#[test]
fn i8_values_of_many_types_cross_both_ways() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![SHAPE, TABLE, RESULT], |store| {
        store.subscribe(&SHAPE, |store, shape| {
            if matches!(shape, Shape::Named(..)) {
                return;
            }
            let inner = Some(Box::new(shape.clone()));
            store.batch(|store| {
                store.update(&TABLE, |table| {
                    table.insert("list".into(), serde_json::json!([1, null, { "deep": 2.5 }]));
                });
                store.set(&RESULT, Some(vec![0, 255]));
                store.set(&SHAPE, Shape::Named("outer".into(), inner));
            });
        });
    })
    .expect("the worker starts");
    store.set(&SHAPE, Shape::Circle { radius: 0.5 });
    wait_until(&store, |store| store.get(&RESULT).is_some());
    assert_eq!(store.get(&RESULT), Some(vec![0, 255]));
    assert_eq!(store.get(&TABLE)["list"], serde_json::json!([1, null, { "deep": 2.5 }]));
    let circle = Some(Box::new(Shape::Circle { radius: 0.5 }));
    assert_eq!(store.get(&SHAPE), Shape::Named("outer".into(), circle));
    end(worker);
}
