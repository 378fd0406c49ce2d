//! C20: entries that are sent by reference count.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton::testing::Simulation;
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

#[reacton(zero_copy)]
static LINES: ReactonList<u32> = ReactonList::from([1, 2]);

/// Returns the items and their ids.
fn lines(store: &ReactonStore) -> Vec<(ItemId, u32)> {
    store.with(&LINES, |lines| lines.ids().zip(lines.iter().copied()).collect())
}

/// What comes from a process is serialized, and is sent on to threads by reference count.
#[test]
fn c20_items_of_a_process_that_arrive_in_one_message_are_whole_in_the_threads() {
    for removes in [false, true] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let spawn = |delivery| {
            let builder = IsolateStore::builder().shared(shared![LINES]).delivery(delivery);
            let worker = builder.spawn(&store, |_: &ReactonStore| {}).expect("the worker starts");
            let below = simulation.store_of(&worker).expect("the worker was just spawned");
            (worker, below)
        };
        let (worker, there) = simulation.away(|| spawn(Delivery::Latest));
        let (other, here) = spawn(Delivery::Every);
        simulation.settle();
        // Under `Latest` main receives them as one message.
        there.update(&LINES, |lines| lines.insert(0, 7));
        there.update(&LINES, |lines| lines.push(8));
        there.update(&LINES, |lines| lines.move_to(0, 2));
        there.update(&LINES, |lines| lines.set(3, 9));
        if removes {
            there.update(&LINES, |lines| lines.remove(2));
        }
        simulation.settle();
        let all = lines(&there);
        assert_eq!(all.len(), if removes { 3 } else { 4 });
        assert_eq!((lines(&store), lines(&here)), (all.clone(), all));
        assert_eq!((store.get(worker.last_error()), store.get(other.last_error())), (None, None));
    }
}
