//! Keys and rows whose `Drop` or `Clone` panics.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::LocalKey;

use reacton::prelude::*;
use reacton_support::quietly;

thread_local! {
    /// The number of drops until one panics.
    static DROPS: Cell<Option<u64>> = const { Cell::new(None) };
    /// The number of copies until one panics.
    static COPIES: Cell<Option<u64>> = const { Cell::new(None) };
}

fn count(left: &'static LocalKey<Cell<Option<u64>>>) {
    match left.get() {
        Some(0) => {
            left.set(None);
            panic!("broken on purpose");
        }
        now => left.set(now.map(|left| left - 1)),
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fragile(u64);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        count(&COPIES);
        Self(self.0)
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            count(&DROPS);
        }
    }
}

#[reacton]
static ROWS: ReactonMap<Fragile, Fragile> = ReactonMap::new();

#[reacton]
static ITEMS: ReactonList<Fragile> = ReactonList::new();

type Copied = (Rc<RefCell<BTreeMap<u64, u64>>>, Rc<RefCell<Vec<u64>>>);

/// Copies of both collections, to which their changes are applied.
fn copies(store: &ReactonStore) -> Copied {
    let copies = Copied::default();
    let (rows, items) = (Rc::clone(&copies.0), Rc::clone(&copies.1));
    store.subscribe_changes(&ROWS, move |_, changes: &[Change<Fragile, Arc<Fragile>>]| {
        for change in changes {
            let mut rows = rows.borrow_mut();
            match change.new() {
                Some(new) => rows.insert(change.key().0, new.0),
                None => rows.remove(&change.key().0),
            };
        }
    });
    store.subscribe_changes(&ITEMS, move |_, diffs| {
        for diff in diffs {
            diff.apply_with(&mut items.borrow_mut(), |item| item.0);
        }
    });
    copies
}

fn edit(store: &ReactonStore, key: u64, value: u64) {
    store.update(&ROWS, |rows| drop(rows.insert(Fragile(key), Fragile(value))));
    store.update(&ROWS, |rows| drop(rows.remove(&Fragile(key / 2))));
    store.update(&ITEMS, |items| {
        items.insert(1, Fragile(value));
        items.remove(3);
        items.move_to(0, 2);
    });
    store.update(&ITEMS, |items| drop(items.set(0, Fragile(key))));
    store.update(&ITEMS, |items| drop(items.remove(1)));
}

#[test]
fn c1_a_drop_of_a_key_or_a_row_that_panics_leaves_collections_that_work() {
    quietly(|| {
        for left in 0..80 {
            for in_batch in [false, true] {
                let store = ReactonStore::new();
                let (rows, items) = copies(&store);
                for key in 0..6 {
                    edit(&store, key, key);
                }
                DROPS.set(Some(left));
                for key in [3, 7, 4] {
                    // A panic leaves the batch, and what was written before stays.
                    _ = catch_unwind(AssertUnwindSafe(|| {
                        if in_batch {
                            store.batch(|store| (0..3).for_each(|more| edit(store, key + more, 9)));
                        } else {
                            edit(&store, key, 8);
                        }
                    }));
                }
                DROPS.set(None);
                edit(&store, 1, 100);
                store.update(&ITEMS, |items| _ = items.push(Fragile(left)));
                let all: BTreeMap<_, _> = store
                    .with(&ROWS, |rows| rows.iter().map(|(key, row)| (key.0, row.0)).collect());
                assert_eq!(*rows.borrow(), all, "{left} {in_batch}");
                let all: Vec<_> =
                    store.with(&ITEMS, |items| items.iter().map(|item| item.0).collect());
                assert_eq!(*items.borrow(), all, "{left} {in_batch}");
            }
        }
    });
}

/// Nodes of the tree are merged, and their keys are copied, when many rows are removed.
#[test]
fn c1_a_copy_or_a_drop_of_a_key_that_panics_while_rows_are_removed_hides_no_removal() {
    quietly(|| {
        for left in (0..400).step_by(7) {
            for what in [&DROPS, &COPIES] {
                let store = ReactonStore::new();
                let (rows, _) = copies(&store);
                store.update(&ROWS, |rows| {
                    rows.extend((0..300).map(|key| (Fragile(key), Fragile(key))));
                });
                let held = store.get(&ROWS);
                what.set(Some(left));
                _ = catch_unwind(AssertUnwindSafe(|| {
                    store.update(&ROWS, |rows| {
                        for key in (0..300).filter(|key| key % 5 != 0) {
                            _ = catch_unwind(AssertUnwindSafe(|| rows.remove(&Fragile(key))));
                        }
                    });
                }));
                what.set(None);
                store.update(&ROWS, |rows| drop(rows.insert(Fragile(1000), Fragile(1))));
                let all: BTreeMap<_, _> = store
                    .with(&ROWS, |rows| rows.iter().map(|(key, row)| (key.0, row.0)).collect());
                assert_eq!(*rows.borrow(), all, "{left}");
                store.with(&ROWS, |rows| {
                    assert_eq!((rows.len(), held.len()), (all.len(), 300), "{left}");
                    for (position, (key, _)) in rows.iter().enumerate() {
                        assert_eq!(rows.rank(key), position, "{left}");
                        assert!(rows.nth(position).is_some_and(|(at, _)| at == key), "{left}");
                    }
                });
            }
        }
    });
}
