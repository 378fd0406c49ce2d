//! S3: an `update` inside a batch edits the value in place, and is a change.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{A, B, LENGTH, LIST};

thread_local! {
    static CLONES: Cell<usize> = const { Cell::new(0) };
}

/// A large value that counts its clones.
#[derive(PartialEq, Debug, Default)]
struct Large(Vec<u32>);

impl Clone for Large {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Self(self.0.clone())
    }
}

/// Returns the number of clones since the last call.
fn clones() -> usize {
    CLONES.take()
}

#[reacton]
static LARGE: Large = Large::default();

#[reacton(eq = never)]
static EVENTS: Large = Large::default();

#[reacton(zero_copy)]
static PICTURE: Large = Large::default();

#[reacton]
static ROWS: Family<u32, Large> = |_| Large::default();

fn push(store: &ReactonStore, reacton: impl Writable<Value = Large>) {
    store.update(&reacton, |large| large.0.push(1));
}

#[test]
fn s3_an_update_in_a_batch_clones_nothing() {
    let store = ReactonStore::new();
    let local = store.reacton(Large::default());
    let lengths = Log::new();
    let heard = lengths.clone();
    let write = |store: &ReactonStore| {
        store.batch(|store| {
            store.set(&A, store.get(&A) + 1);
            push(store, local);
            push(store, &LARGE);
            push(store, &EVENTS);
            push(store, &PICTURE);
            push(store, ROWS.of(1));
            store.batch(|store| push(store, local));
            store.update(&B, |b| {
                *b += 1;
                push(store, local);
            });
            store.handle().batch(|store| push(store, &LARGE));
        });
    };
    write(&store);
    store.subscribe(&LARGE, move |_, large| heard.push(large.0.len()));
    store.effect(move |cx| {
        cx.with(&local, |_| ());
        cx.with(&ROWS.of(1), |_| ());
    });
    clones();
    write(&store);
    assert_eq!((clones(), lengths.take()), (0, vec![2]));
    assert_eq!(store.with(&local, |large| large.0.len()), 6);
    assert_eq!(store.with(&ROWS.of(1), |large| large.0.len()), 2);
    store.pump();
    assert_eq!((clones(), lengths.take()), (0, vec![3, 4]));
}

#[test]
fn s3_a_touch_or_an_equal_set_before_an_update_in_a_batch_costs_no_clone() {
    let store = ReactonStore::new();
    store.batch(|store| {
        store.touch(&LARGE);
        push(store, &LARGE);
        store.update_if(&LARGE, |_| false);
        store.touch(&LARGE);
        push(store, &LARGE);
        store.set(&LARGE, Large(vec![1, 1]));
        push(store, &LARGE);
    });
    assert_eq!((clones(), store.with(&LARGE, |large| large.0.len())), (0, 3));
}

#[test]
fn s3_a_value_that_something_else_holds_is_cloned_once_in_a_batch_and_stays_what_it_was() {
    let store = ReactonStore::new();
    store.set(&LARGE, Large(vec![7]));
    let snapshot = store.snapshot();
    store.with(&LARGE, |before| {
        store.batch(|store| {
            push(store, &LARGE);
            push(store, &LARGE);
        });
        assert_eq!(before.0, [7]);
    });
    assert_eq!((clones(), snapshot.get(&LARGE)), (1, Some(&Large(vec![7]))));
    assert_eq!(store.with(&LARGE, |large| large.0.len()), 3);
}

#[test]
fn s3_a_value_that_was_updated_in_a_batch_is_changed_though_it_ends_equal() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (lists, lengths) = (log.clone(), log.clone());
    store.subscribe(&LIST, move |_, list| lists.push(format!("list {list:?}")));
    store.subscribe(&LENGTH, move |_, length| lengths.push(format!("length {length}")));
    store.batch(|store| {
        store.update(&LIST, |list| list.push(2));
        assert_eq!(store.get(&LENGTH), 2);
        store.update(&LIST, |list| list.truncate(1));
    });
    assert_eq!(log.take(), ["list [1]"], "an observer of an unchanged computed was called");
    // The same for each way to make an equal value, whether or not the value from before is held.
    store.batch(|store| {
        store.update(&LIST, |list| list.push(2));
        store.set(&LIST, vec![1]);
    });
    assert_eq!(log.take(), ["list [1]"]);
    store.batch(|store| {
        store.set(&LIST, vec![1, 2]);
        store.update(&LIST, |list| list.truncate(1));
    });
    assert_eq!(log.take(), ["list [1]"]);
    let _held = store.snapshot();
    store.batch(|store| store.update(&LIST, |_| ()));
    assert_eq!(log.take(), ["list [1]"]);
    store.batch(|store| store.update(&LIST, |list| list.push(2)));
    assert_eq!(log.take(), ["list [1, 2]", "length 2"]);
    store.batch(|store| {
        store.set(&LIST, vec![3]);
        store.set(&LIST, vec![1, 2]);
    });
    assert!(log.take().is_empty(), "sets that return to the first value are a change");
}

#[test]
fn s3_plain_data_that_updates_return_to_what_it_was_is_unchanged() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Point(i32, i32);
    let store = ReactonStore::new();
    let point = store.reacton(Point(1, 2));
    let log = Log::new();
    let (points, numbers) = (log.clone(), log.clone());
    store.subscribe(&point, move |_, point| points.push(point.0));
    store.subscribe(&A, move |_, _| numbers.push(0));
    store.batch(|store| {
        store.update(&point, |point| point.0 = 5);
        store.update(&A, |a| *a += 1);
        store.update(&point, |point| point.0 = 1);
        store.update(&A, |a| *a -= 1);
    });
    assert!(log.take().is_empty());
    store.batch(|store| store.update(&point, |point| point.0 = 5));
    assert_eq!(log.take(), [5]);
}

#[test]
fn s3_an_update_if_in_a_batch_that_returns_false_is_no_change() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&LIST, move |_, list| heard.push(list.clone()));
    store.batch(|store| {
        store.update_if(&LIST, |_| false);
        store.set(&LIST, vec![5]);
        store.update_if(&LIST, |_| false);
        store.set(&LIST, vec![1]);
    });
    assert_eq!(log.take(), Vec::<Vec<u32>>::new());
    store.batch(|store| {
        store.update_if(&LIST, |list| {
            list.push(2);
            true
        });
        store.update_if(&LIST, |_| false);
    });
    assert_eq!(log.take(), [[1, 2]]);
    store.batch(|store| {
        store.set(&LIST, vec![4]);
        store.update_if(&LIST, |_| false);
    });
    assert_eq!(log.take(), [[4]]);
}

#[test]
fn s3_an_update_in_a_batch_that_panics_half_way_keeps_what_it_did() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&LIST, move |_, list| heard.push(list.clone()));
    panic_of(|| {
        store.batch(|store| {
            store.set(&A, 7);
            store.update(&LIST, |list| {
                list.push(2);
                panic!("half-way")
            })
        })
    });
    assert_eq!((log.take(), store.get(&A)), (vec![vec![1, 2]], 7));
    store.batch(|store| store.update(&LIST, |list| list.push(3)));
    assert_eq!(log.take(), [[1, 2, 3]]);
}

#[test]
fn s6_a_read_of_a_value_that_is_lent_to_update_in_a_batch_panics_with_its_name() {
    let store = ReactonStore::new();
    let words = panic_of(|| {
        store.batch(|store| store.update(&LIST, |list| list.push(store.get(&LIST)[0])));
    });
    assert!(words.contains("LIST") && words.contains("update"), "{words}");
    assert_eq!(store.get(&LIST), [1]);
}

#[test]
fn s10_a_value_that_an_edit_in_a_batch_removes_is_freed_at_once() {
    let store = ReactonStore::new();
    let local = store.reacton(vec![Rc::new(1)]);
    let old = store.with(&local, |all| Rc::downgrade(&all[0]));
    store.batch(|store| {
        store.update(&local, Vec::clear);
        assert_eq!(old.strong_count(), 0);
    });
}

#[test]
fn s3_a_batch_that_ends_as_it_began_after_update_ifs_that_return_false_calls_no_observer() {
    let store = ReactonStore::new();
    store.set(&LIST, vec![1]);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&LIST, move |_, list| heard.push(list.clone()));
    store.batch(|store| {
        store.update_if(&LIST, |_| false);
        store.update_if(&LIST, |_| false);
        store.set(&LIST, vec![2]);
        store.set(&LIST, vec![1]);
    });
    assert!(log.take().is_empty());
    // The same if the reacton was written while its value was lent.
    store.batch(|store| {
        store.update_if(&LIST, |_| {
            store.set(&LIST, vec![3]);
            false
        });
        store.set(&LIST, vec![1]);
    });
    assert!(log.take().is_empty());
}
