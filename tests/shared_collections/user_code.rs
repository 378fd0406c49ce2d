//! C15 while code of the program writes what is arriving.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::quietly;
use serde::{Deserialize, Serialize};

thread_local! {
    /// The store whose entry is written while the next item is decoded.
    static MEDDLES: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
    static STARTED: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
}

/// An item that writes an entry and puts it back while it is decoded.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct Meddler(u8);

impl<'de> Deserialize<'de> for Meddler {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = u8::deserialize(deserializer)?;
        if let Some(store) = MEDDLES.take() {
            let before = store.with(&MEDDLED, |rows| rows.get(&1).cloned());
            store.update(&MEDDLED, |rows| rows.insert(1, Meddler(100)));
            store.update(&MEDDLED, |rows| match before {
                Some(before) => drop(rows.insert(1, before)),
                None => drop(rows.remove(&1)),
            });
        }
        Ok(Self(item))
    }
}

#[reacton]
static MEDDLED: ReactonMap<u8, Meddler> = [(1, Meddler(1))].into();

fn all(store: &ReactonStore) -> Vec<(u8, u8)> {
    store.with(&MEDDLED, |rows| rows.iter().map(|(key, item)| (*key, item.0)).collect())
}

#[test]
fn c15_an_entry_that_is_written_and_put_back_while_it_arrives_is_the_same_in_all_stores() {
    for is_there in [true, false] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        if !is_there {
            store.update(&MEDDLED, |rows| rows.remove(&1));
        }
        let worker = IsolateStore::spawn(&store, shared![MEDDLED], |store: &ReactonStore| {
            STARTED.set(Some(store.clone()));
        });
        let worker = worker.expect("the worker starts");
        simulation.settle();
        let there = STARTED.take().expect("the worker has begun");
        MEDDLES.set(Some(there.clone()));
        store.update(&MEDDLED, |rows| rows.insert(1, Meddler(9)));
        simulation.settle();
        assert!(MEDDLES.take().is_none(), "the item was decoded");
        // What was written while it arrived is newer, though it came out as it was.
        let expected = if is_there { vec![(1, 1)] } else { Vec::new() };
        assert_eq!((all(&store), all(&there)), (expected.clone(), expected));
        store.update(&MEDDLED, |rows| rows.insert(1, Meddler(2)));
        simulation.settle();
        assert_eq!((all(&store), all(&there)), (vec![(1, 2)], vec![(1, 2)]));
        drop(worker);
    }
}

thread_local! {
    /// The number of copies of keys until one panics.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
struct Fragile(u8);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        match LEFT.get() {
            Some(0) => {
                LEFT.set(None);
                panic!("broken on purpose");
            }
            left => LEFT.set(left.map(|left| left - 1)),
        }
        Self(self.0)
    }
}

#[reacton]
static FRAGILE: ReactonMap<Fragile, u8> = ReactonMap::new();

#[test]
fn c18_a_copy_of_a_key_that_panics_while_its_entry_is_written_lets_later_writes_win() {
    quietly(|| {
        for left in 0..12 {
            let simulation = Simulation::new(left);
            let store = ReactonStore::new();
            let builder = IsolateStore::builder().shared(shared![FRAGILE]);
            let worker = builder.spawn(&store, |_: &ReactonStore| {}).expect("the worker starts");
            let there = simulation.store_of(&worker).expect("the worker was just spawned");
            LEFT.set(Some(left));
            _ = catch_unwind(AssertUnwindSafe(|| {
                there.batch(|there| {
                    there.update(&FRAGILE, |rows| rows.insert(Fragile(1), 1));
                    there.update(&FRAGILE, |rows| rows.extend([(Fragile(3), 3), (Fragile(2), 2)]));
                });
            }));
            LEFT.set(None);
            simulation.settle();
            for key in 0..4 {
                store.update(&FRAGILE, |rows| rows.insert(Fragile(key), 10));
                simulation.settle();
            }
            let all = |store: &ReactonStore| {
                store.with(&FRAGILE, |rows| {
                    rows.iter().map(|(key, value)| (key.0, *value)).collect::<Vec<_>>()
                })
            };
            let expected: Vec<_> = (0..4).map(|key| (key, 10)).collect();
            assert_eq!((all(&store), all(&there)), (expected.clone(), expected), "{left}");
            drop(worker);
        }
    });
}
