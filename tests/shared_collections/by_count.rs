//! C20: entries that are sent by reference count.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::receive;
use reacton_support::wait_until;

use crate::{DONE, ROWS, end, insert};

#[reacton(zero_copy)]
static PICTURES: ReactonMap<u32, Vec<u8>> = ReactonMap::new();

#[test]
fn c20_items_of_a_zero_copy_collection_are_handed_over_by_count() {
    let store = ReactonStore::new();
    store.update(&PICTURES, |pictures| pictures.insert(1, vec![1; 1000]));
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICTURES], move |store| {
        let place = |store: &ReactonStore, key| {
            store.with(&PICTURES, |pictures| pictures.get(&key).map(|one| one.as_ptr().addr()))
        };
        tell.send(place(store, 1)).expect("the channel is open");
        store.update(&PICTURES, |pictures| pictures.insert(3, vec![3]));
        store.subscribe(&PICTURES, move |store, _| {
            tell.send(place(store, 2)).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    let place =
        |key| store.with(&PICTURES, |pictures| pictures.get(&key).map(|one| one.as_ptr().addr()));
    assert_eq!(receive(&told), place(1));
    store.update(&PICTURES, |pictures| pictures.insert(2, vec![2; 1000]));
    assert_eq!(receive(&told), place(2));
    assert_eq!(worker.stats().bytes_sent, 1, "only the key is sent as bytes");
    wait_until(&store, |store| store.get(&PICTURES.at(3)).is_some());
    end(worker);
}

/// A row that panics if it is copied.
#[derive(PartialEq, Debug)]
struct Uncopied(u64);

impl Clone for Uncopied {
    fn clone(&self) -> Self {
        panic!("a row is copied")
    }
}

#[reacton(zero_copy)]
static UNCOPIED: ReactonMap<u64, Uncopied> = ReactonMap::new();

#[test]
fn c20_a_worker_begins_with_the_collection_itself_and_no_row_is_copied_by_either_side() {
    let store = ReactonStore::new();
    store.update(&UNCOPIED, |rows| rows.extend((0..1000).map(|key| (key, Uncopied(key)))));
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![UNCOPIED], move |store| {
        let sum = |store: &ReactonStore| {
            store.with(&UNCOPIED, |rows| rows.values().map(|row| row.0).sum::<u64>())
        };
        tell.send(sum(store)).expect("the channel is open");
        store.subscribe(&UNCOPIED, move |store, _| {
            tell.send(sum(store)).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    assert_eq!(receive(&told), 499_500);
    store.update(&UNCOPIED, |rows| {
        rows.insert(1, Uncopied(1001));
        rows.remove(&0);
    });
    assert_eq!(receive(&told), 500_500);
    assert_eq!(store.with(&UNCOPIED, ReactonMap::len), 999);
    end(worker);
}

#[worker(shared = [ROWS, DONE], zero_copy)]
fn counting(store: &ReactonStore) {
    store.subscribe(&ROWS, |store, _| store.update(&DONE, |done| done.add(1)));
}

#[test]
fn c20_a_zero_copy_worker_shares_any_collection_by_count() {
    let store = ReactonStore::new();
    let worker = counting::spawn(&store).expect("the worker starts");
    insert(&store, 2, "two");
    wait_until(&store, |store| store.get(&DONE).value() == 1);
    assert_eq!(worker.stats().bytes_sent, 1, "only the key is sent as bytes");
    end(worker);
}
