//! Code of the program that runs in the middle of an edit: comparisons, copies and drops of rows.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{DONE, ROWS, row};

thread_local! {
    static IN_EQ: Once = const { Cell::new(None) };
    static IN_CLONE: Once = const { Cell::new(None) };
    static IN_DROP: Once = const { Cell::new(None) };
    static STORE: std::cell::RefCell<Option<WeakStore>> = const { std::cell::RefCell::new(None) };
}

/// A row that runs code of the test wherever the library runs some of it.
#[derive(Debug)]
struct Lively(u32);

/// Code of the test that is to run once.
type Once = Cell<Option<fn()>>;

fn run(place: &'static std::thread::LocalKey<Once>) {
    if let Some(code) = place.take() {
        code();
    }
}

impl Clone for Lively {
    fn clone(&self) -> Self {
        run(&IN_CLONE);
        Self(self.0)
    }
}

impl PartialEq for Lively {
    fn eq(&self, other: &Self) -> bool {
        run(&IN_EQ);
        self.0 == other.0
    }
}

impl Drop for Lively {
    fn drop(&mut self) {
        run(&IN_DROP);
    }
}

#[reacton]
static LIVELY: ReactonMap<u32, Lively> = ReactonMap::new();

fn here(store: &ReactonStore) {
    STORE.replace(Some(store.downgrade()));
}

fn write_elsewhere() {
    let store = STORE.with_borrow(|store| store.as_ref().and_then(WeakStore::upgrade));
    let store = store.expect("the test holds the store");
    store.update(&DONE, |done| done.add(1));
    store.get(&ROWS.at(1));
}

fn write_the_same() {
    let store = STORE.with_borrow(|store| store.as_ref().and_then(WeakStore::upgrade));
    store.expect("the test holds the store").update(&LIVELY, |rows| rows.insert(99, Lively(99)));
}

fn break_down() {
    panic!("broken on purpose");
}

fn keys(store: &ReactonStore) -> Vec<u32> {
    store.with(&LIVELY, |rows| rows.keys().copied().collect())
}

#[test]
fn c1_a_comparison_that_panics_counts_as_a_change() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.update(&LIVELY, |rows| rows.insert(1, Lively(1)));
    store.subscribe_changes(&LIVELY, move |_, changes| heard.push(changes.len()));
    IN_EQ.set(Some(break_down));
    let words = panic_of(|| store.update(&LIVELY, |rows| rows.insert(1, Lively(1))));
    assert_eq!((words.as_str(), log.take()), ("broken on purpose", vec![1]));
    store.update(&LIVELY, |rows| rows.insert(1, Lively(1)));
    store.update(&LIVELY, |rows| rows.insert(2, Lively(2)));
    assert_eq!(log.take(), [1]);
}

#[test]
fn c3_a_comparison_may_write_and_that_is_the_next_transaction() {
    let store = ReactonStore::new();
    here(&store);
    store.update(&LIVELY, |rows| rows.insert(1, Lively(1)));
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    store.subscribe_changes(&LIVELY, move |_, changes| {
        one.push(changes.iter().map(|change| *change.key()).collect::<Vec<_>>());
    });
    store.subscribe(&DONE, move |_, _| two.push(vec![]));
    IN_EQ.set(Some(write_elsewhere));
    store.update(&LIVELY, |rows| rows.insert(1, Lively(2)));
    IN_EQ.set(Some(write_the_same));
    store.update(&LIVELY, |rows| rows.insert(1, Lively(3)));
    assert_eq!(log.take(), [vec![1], vec![], vec![1, 99]]);
    assert_eq!(keys(&store), [1, 99]);
}

#[test]
fn c1_a_copy_that_panics_leaves_the_map_as_it_was() {
    let store = ReactonStore::new();
    store.update(&LIVELY, |rows| rows.insert(1, Lively(1)));
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    store.subscribe(&LIVELY, move |_, _| counter.set(counter.get() + 1));
    let held = store.get(&LIVELY);
    IN_CLONE.set(Some(break_down));
    let words = panic_of(|| store.update(&LIVELY, |rows| rows.update(&1, |row| row.0 = 2)));
    assert_eq!((words.as_str(), runs.get()), ("broken on purpose", 0));
    store.with(&LIVELY, |rows| assert_eq!(rows.get(&1).map(|row| row.0), Some(1)));
    drop(held);
    store.update(&LIVELY, |rows| rows.update(&1, |row| row.0 = 2));
    assert_eq!(runs.get(), 1);
}

#[test]
fn c4_a_copy_for_an_entry_may_panic_or_write() {
    let store = ReactonStore::new();
    here(&store);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&LIVELY.at(1), move |_, row: &Option<Lively>| {
        heard.push(row.as_ref().map(|row| row.0));
    });
    IN_CLONE.set(Some(write_elsewhere));
    store.update(&LIVELY, |rows| rows.insert(1, Lively(1)));
    IN_CLONE.set(Some(break_down));
    panic_of(|| store.update(&LIVELY, |rows| rows.insert(1, Lively(2))));
    store.update(&LIVELY, |rows| rows.insert(1, Lively(3)));
    assert_eq!(log.take(), [Some(1), Some(3)]);
    assert_eq!(store.get(&DONE).value(), 1);
}

#[test]
fn c2_a_drop_of_a_row_may_write() {
    let store = ReactonStore::new();
    here(&store);
    let log = Log::new();
    let heard = log.clone();
    store.update(&LIVELY, |rows| rows.insert(1, Lively(1)));
    store.subscribe_changes(&LIVELY, move |_, changes| {
        heard.push(changes.iter().map(|change| *change.key()).collect::<Vec<_>>());
    });
    for code in [write_elsewhere, write_the_same] {
        IN_DROP.set(Some(code));
        store.update(&LIVELY, |rows| drop(rows.insert(1, Lively(2))));
        store.update(&LIVELY, |rows| drop(rows.insert(1, Lively(3))));
        IN_DROP.take();
    }
    assert_eq!(keys(&store), [1, 99]);
    let mut told = log.take().concat();
    told.sort_unstable();
    assert_eq!(told, [1, 1, 1, 1, 99]);
    IN_DROP.set(Some(break_down));
    panic_of(|| store.update(&LIVELY, ReactonMap::clear));
    IN_DROP.take();
    store.update(&LIVELY, |rows| rows.insert(4, Lively(4)));
    assert_eq!(keys(&store), [4]);
}

#[test]
fn c3_a_store_may_be_disposed_inside_of_an_edit() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    store.subscribe(&ROWS.at(1), |_, _| ());
    store.subscribe_changes(&ROWS, |_, _| ());
    store.update(&ROWS, |rows| {
        store.dispose();
        rows.insert(2, row("two"));
    });
    assert!(store.with(&ROWS, ReactonMap::is_empty) && store.get(&ROWS.at(1)).is_none());
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| {
        rows.insert(2, row("two"));
        store.remove(&ROWS);
    });
    assert!(store.with(&ROWS, ReactonMap::is_empty));
}
