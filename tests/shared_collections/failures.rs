//! C18: entries that cannot be encoded or decoded.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::{DEAF, Fragile, Picky, picky, receive, wait_until};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::{TITLE, end};

#[reacton]
static FRAGILE: ReactonMap<u32, Fragile> = ReactonMap::new();

#[test]
fn c18_an_entry_that_does_not_encode_harms_no_other() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![FRAGILE, TITLE], move |store| {
        store.subscribe(&TITLE, move |store, _| {
            let rows: Vec<_> =
                store.with(&FRAGILE, |rows| rows.iter().map(|(key, row)| (*key, row.0)).collect());
            store.update(&FRAGILE, |rows| rows.insert(9, Fragile(9)));
            tell.send(rows).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.update(&FRAGILE, |rows| {
            rows.insert(1, Fragile(1));
            rows.insert(7, Fragile(-7));
            rows.insert(2, Fragile(2));
        });
        store.set(&TITLE, "one".into());
    });
    assert_eq!(receive(&told), [(1, 1), (2, 2)]);
    let error = store.get(worker.last_error()).expect("an error is reported").to_string();
    assert!(
        error.contains("FRAGILE") && error.contains("key 7") && error.contains("below zero"),
        "{error}"
    );
    assert_eq!(
        store.get(&FRAGILE.at(7)),
        Some(Fragile(-7)),
        "the writing store has lost the value"
    );
    store.batch(|store| {
        store.update(&FRAGILE, |rows| rows.insert(7, Fragile(7)));
        store.set(&TITLE, "two".into());
    });
    assert_eq!(receive(&told), [(1, 1), (2, 2), (7, 7), (9, 9)]);
    wait_until(&store, |store| store.get(&FRAGILE.at(9)).is_some());
    end(worker);
}

#[reacton]
static PICKY: ReactonMap<String, Picky> = ReactonMap::new();

#[test]
fn c18_an_entry_that_does_not_decode_harms_no_other_and_is_replaced_later() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICKY, TITLE], move |store| {
        DEAF.set(true);
        store.subscribe(&TITLE, move |store, _| {
            let names: Vec<_> = store.with(&PICKY, |rows| rows.keys().cloned().collect());
            tell.send(names).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.update(&PICKY, |rows| {
            rows.extend([("a".into(), picky("a", 0)), ("b".into(), picky("odd", 0))]);
        });
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
        store.update(&PICKY, |rows| rows.insert("b".into(), picky("even", 0)));
        store.set(&TITLE, "two".into());
    });
    assert_eq!(receive(&told), ["a", "b"]);
    end(worker);
}

#[test]
#[cfg(debug_assertions)]
fn c18_an_entry_that_serde_changes_is_not_sent() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PICKY, TITLE], move |store| {
        store.subscribe(&TITLE, move |store, _| {
            tell.send(store.with(&PICKY, ReactonMap::len)).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.update(&PICKY, |rows| {
            rows.extend([("a".into(), picky("a", 0)), ("b".into(), picky("b", 7))]);
        });
        store.set(&TITLE, "one".into());
    });
    assert_eq!(receive(&told), 1);
    let error = store.get(worker.last_error()).expect("an error is reported");
    assert!(matches!(error, LinkError::Lossy { .. }) && error.to_string().contains("key \"b\""));
    end(worker);
}

/// A key that does not encode if it is negative.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
struct Position(i32);

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ..0 => Err(S::Error::custom("below zero")),
            _ => serializer.serialize_i32(self.0),
        }
    }
}

#[reacton]
static PLACES: ReactonSet<Position> = ReactonSet::new();

#[test]
fn c18_a_key_that_does_not_encode_harms_no_other() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![PLACES, TITLE], move |store| {
        store.subscribe(&TITLE, move |store, _| {
            tell.send(store.with(&PLACES, ReactonSet::len)).expect("the channel is open");
        });
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.update(&PLACES, |places| places.extend([Position(1), Position(-1), Position(2)]));
        store.set(&TITLE, "one".into());
    });
    assert_eq!(receive(&told), 2);
    let error = store.get(worker.last_error()).expect("an error is reported").to_string();
    assert!(error.contains("PLACES") && error.contains("a key"), "{error}");
    // A worker cannot begin with it.
    let refused = IsolateStore::spawn(&store, shared![PLACES], |_| ());
    assert!(matches!(refused, Err(SpawnError::Value { .. })));
    end(worker);
}
