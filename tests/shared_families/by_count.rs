//! C21: a `zero_copy` worker receives the values of members by reference count.

use reacton::prelude::*;
use reacton_support::wait_until;

use crate::{TITLE, end};

/// No serde.
#[derive(Clone, PartialEq, Debug)]
struct Tile(Vec<u8>);

#[reacton]
static TILE: Family<(u8, u8), Tile> = |_| Tile(Vec::new());

#[worker(shared = [TILE, in TITLE], zero_copy)]
fn painter(store: &ReactonStore) {
    store.subscribe(&TITLE, |store, _| {
        let from = store.with(&TILE.of((0, 0)), |tile| tile.0.as_ptr().addr());
        // What is waited for comes last.
        store.remove(&TILE.of((2, 2)));
        store.set(&TILE.of((1, 1)), Tile(from.to_le_bytes().to_vec()));
    });
}

#[test]
fn c21_values_cross_by_reference_count() {
    let store = ReactonStore::new();
    store.set(&TILE.of((0, 0)), Tile(vec![1; 1000]));
    store.set(&TILE.of((2, 2)), Tile(vec![2]));
    let worker = painter::spawn(&store).expect("the worker starts");
    for round in 0..3 {
        store.set(&TILE.of((0, 0)), Tile(vec![round; 1000]));
        let own = store.with(&TILE.of((0, 0)), |tile| tile.0.as_ptr().addr());
        store.set(&TITLE, round.to_string());
        wait_until(&store, |store| store.get(&TILE.of((1, 1))) == Tile(own.to_le_bytes().to_vec()));
        assert!(!store.has(&TILE.of((2, 2))));
        store.set(&TILE.of((2, 2)), Tile(vec![round + 3]));
    }
    end(worker);
}

#[reacton]
static PAGE: Family<u32, String> = |_| String::new();

#[worker(shared = [PAGE, in TITLE])]
fn serialized(store: &ReactonStore) {
    store.subscribe(&TITLE, |store, title| {
        let page = store.get(&PAGE.of(1));
        store.set(&PAGE.of(2), format!("{page} {title} in bytes"));
    });
}

#[worker(shared = [PAGE, in TITLE], zero_copy)]
fn counted(store: &ReactonStore) {
    store.subscribe(&TITLE, |store, title| {
        let page = store.get(&PAGE.of(1));
        store.set(&PAGE.of(3), format!("{page} {title} by count"));
    });
}

#[test]
fn c21_one_worker_gets_bytes_and_another_one_counts() {
    let store = ReactonStore::new();
    store.set(&PAGE.of(1), "first".into());
    let workers = [serialized::spawn(&store), counted::spawn(&store)];
    let mut page = String::from("first");
    for title in ["one", "two"] {
        store.set(&TITLE, title.into());
        let expected = ["in bytes", "by count"].map(|how| format!("{page} {title} {how}"));
        wait_until(&store, |store| [2, 3].map(|id| store.get(&PAGE.of(id))) == expected);
        page = format!("page after {title}");
        store.set(&PAGE.of(1), page.clone());
    }
    for worker in workers {
        end(worker.expect("the worker starts"));
    }
}
