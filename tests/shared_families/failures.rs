//! C21: members that cannot be encoded or decoded.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{DEAF, Fragile, Picky, picky, receive, wait_until};
use serde::{Deserialize, Serialize};

use crate::{TITLE, end};

#[reacton]
static FRAGILE: Family<u32, Fragile> = |_| Fragile(0);

fn fragile(store: &ReactonStore) -> Vec<(u32, i32)> {
    let mut keys = store.keys(&FRAGILE);
    keys.sort_unstable();
    keys.into_iter().map(|key| (key, store.get(&FRAGILE.of(key)).0)).collect()
}

#[test]
fn c21_a_member_that_does_not_encode_harms_no_other() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![FRAGILE, TITLE], move |store| {
        store.subscribe(&TITLE, move |store, _| {
            tell.send(fragile(store)).expect("the channel is open");
            store.set(&FRAGILE.of(9), Fragile(9));
        });
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.set(&FRAGILE.of(1), Fragile(1));
        store.set(&FRAGILE.of(7), Fragile(-7));
        store.set(&FRAGILE.of(2), Fragile(2));
        store.set(&TITLE, "one".into());
    });
    assert_eq!(receive(&told), [(1, 1), (2, 2)]);
    let error = store.get(worker.last_error()).expect("an error is reported").to_string();
    assert!(
        error.contains("FRAGILE") && error.contains("key 7") && error.contains("below zero"),
        "{error}"
    );
    assert_eq!(store.get(&FRAGILE.of(7)), Fragile(-7), "the value stays here");
    store.batch(|store| {
        store.set(&FRAGILE.of(7), Fragile(7));
        store.set(&TITLE, "two".into());
    });
    assert_eq!(receive(&told), [(1, 1), (2, 2), (7, 7), (9, 9)]);
    wait_until(&store, |store| store.has(&FRAGILE.of(9)));
    end(worker);
}

#[test]
fn c21_a_member_that_did_not_encode_is_replaced_by_what_any_other_store_writes() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![FRAGILE], |_| ()).expect("the worker starts");
    simulation.settle();
    let below = simulation.store_of(&worker).expect("the worker has begun");
    store.set(&FRAGILE.of(7), Fragile(1));
    simulation.settle();
    for value in 1..6 {
        store.set(&FRAGILE.of(7), Fragile(-value));
    }
    // The clock of this store is behind, because nothing has arrived.
    below.set(&FRAGILE.of(7), Fragile(70));
    simulation.settle();
    assert_eq!([&store, &below].map(|store| store.get(&FRAGILE.of(7)).0), [70, 70]);
}

#[reacton]
static PICKY: Family<String, Picky> = |name| picky(name, 0);

#[test]
fn c21_a_member_that_does_not_decode_harms_no_other_and_is_replaced_later() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICKY, TITLE], move |store| {
        DEAF.set(true);
        store.subscribe(&TITLE, move |store, _| {
            let mut names = store.keys(&PICKY);
            names.sort();
            tell.send(names).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.set(&PICKY.of("a".into()), picky("A", 0));
        store.set(&PICKY.of("b".into()), picky("odd", 0));
        store.set(&TITLE, "one".into());
    });
    assert_eq!(receive(&told), ["a"]);
    wait_until(&store, |store| store.get(worker.last_error()).is_some());
    let error = store.get(worker.last_error()).expect("an error is reported").to_string();
    assert!(
        error.contains("PICKY") && error.contains("key \"b\"") && error.contains("odd"),
        "{error}"
    );
    store.batch(|store| {
        store.set(&PICKY.of("b".into()), picky("even", 0));
        store.set(&TITLE, "two".into());
    });
    assert_eq!(receive(&told), ["a", "b"]);
    end(worker);
}

#[test]
#[cfg(debug_assertions)]
fn c21_a_member_that_comes_out_of_serde_as_another_one_is_not_sent() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICKY, TITLE], move |store| {
        store.subscribe(&TITLE, move |store, _| {
            tell.send(store.keys(&PICKY).len()).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.set(&PICKY.of("a".into()), picky("A", 0));
        store.set(&PICKY.of("b".into()), picky("B", 7));
        store.set(&TITLE, "one".into());
    });
    assert_eq!(receive(&told), 1);
    let error = store.get(worker.last_error()).expect("an error is reported");
    assert!(matches!(error, LinkError::Lossy { .. }) && error.to_string().contains("key \"b\""));
    end(worker);
}

#[test]
fn c21_a_worker_cannot_begin_with_a_member_that_does_not_encode() {
    let store = ReactonStore::new();
    store.set(&FRAGILE.of(1), Fragile(-1));
    let refused = IsolateStore::spawn(&store, shared![FRAGILE], |_| ());
    assert!(matches!(refused, Err(SpawnError::Value { .. })));
    store.remove(&FRAGILE.of(1));
    end(IsolateStore::spawn(&store, shared![FRAGILE], |_| ()).expect("the worker starts"));
}

/// A key that serde changes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Place {
    row: u8,
    #[serde(skip)]
    column: u8,
}

#[reacton]
static PLACE: Family<Place, u8> = |_| 0;

#[test]
#[cfg(debug_assertions)]
fn c21_a_key_that_comes_out_of_serde_as_another_one_is_not_sent() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![PLACE], |_| ()).expect("the worker starts");
    store.set(&PLACE.of(Place { row: 1, column: 1 }), 1);
    let error = store.get(worker.last_error()).expect("an error is reported");
    assert!(matches!(error, LinkError::Lossy { .. }) && error.to_string().contains("Place"));
    store.set(&PLACE.of(Place { row: 1, column: 0 }), 1);
    end(worker);
}
