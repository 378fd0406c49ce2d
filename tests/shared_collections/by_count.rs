//! C20: entries that are handed over by reference count.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::receive;
use reacton_support::wait_until;

use crate::end;

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
        tell.send(place(store, 1)).expect("main listens");
        store.update(&PICTURES, |pictures| pictures.insert(3, vec![3]));
        store.subscribe(&PICTURES, move |store, _| {
            tell.send(place(store, 2)).expect("main listens");
        });
    });
    let worker = worker.expect("it starts");
    let place =
        |key| store.with(&PICTURES, |pictures| pictures.get(&key).map(|one| one.as_ptr().addr()));
    assert_eq!(receive(&told), place(1));
    store.update(&PICTURES, |pictures| pictures.insert(2, vec![2; 1000]));
    assert_eq!(receive(&told), place(2));
    assert_eq!(worker.stats().bytes_sent, 1, "the key");
    wait_until(&store, |store| store.get(&PICTURES.at(3)).is_some());
    end(worker);
}
