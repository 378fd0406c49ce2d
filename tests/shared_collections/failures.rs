//! C18: entries that do not cross.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::receive;
use reacton_support::wait_until;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::{TITLE, end};

/// A row that does not encode if it is negative.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Fragile(i32);

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ..0 => Err(S::Error::custom("below zero")),
            _ => serializer.serialize_i32(self.0),
        }
    }
}

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
            tell.send(rows).expect("main listens");
        });
    });
    let worker = worker.expect("it starts");
    store.batch(|store| {
        store.update(&FRAGILE, |rows| {
            rows.insert(1, Fragile(1));
            rows.insert(7, Fragile(-7));
            rows.insert(2, Fragile(2));
        });
        store.set(&TITLE, "one".into());
    });
    assert_eq!(receive(&told), [(1, 1), (2, 2)]);
    let error = store.get(worker.last_error()).expect("it is reported").to_string();
    assert!(
        error.contains("FRAGILE") && error.contains("key 7") && error.contains("below zero"),
        "{error}"
    );
    assert_eq!(store.get(&FRAGILE.at(7)), Some(Fragile(-7)), "it stays here");
    store.batch(|store| {
        store.update(&FRAGILE, |rows| rows.insert(7, Fragile(7)));
        store.set(&TITLE, "two".into());
    });
    assert_eq!(receive(&told), [(1, 1), (2, 2), (7, 7), (9, 9)]);
    wait_until(&store, |store| store.get(&FRAGILE.at(9)).is_some());
    end(worker);
}
