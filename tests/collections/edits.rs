//! C1: an edit writes entries, and is a change only if one of them differs afterwards.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{CHOSEN, DONE, ROWS, Row, log_changes, row};

#[reacton(eq = same_name)]
static NAMES: ReactonMap<u32, Row> = ReactonMap::new();

fn same_name(one: &Row, two: &Row) -> bool {
    one.name == two.name
}

#[reacton(eq = never)]
static EVENTS: ReactonMap<u32, Row> = ReactonMap::new();

/// A type without `PartialEq`.
#[derive(Clone)]
struct Opaque;

#[reacton(eq = never)]
static OPAQUE: ReactonMap<u32, Opaque> = ReactonMap::new();

#[reacton]
static LEVELS: ReactonMap<u32, f64> = ReactonMap::new();

#[reacton(zero_copy)]
static COUNTED: ReactonMap<u32, Row> = ReactonMap::new();

fn runs<R: Readable + 'static>(store: &ReactonStore, reacton: R) -> Rc<Cell<u32>> {
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    store.subscribe(&reacton, move |_, _| counter.set(counter.get() + 1));
    runs
}

#[test]
fn c1_an_edit_that_touches_nothing_is_no_change() {
    let store = ReactonStore::new();
    let called = runs(&store, &ROWS);
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    assert_eq!(called.take(), 1);
    store.update(&ROWS, |_| ());
    store.update(&ROWS, |rows| (rows.len(), rows.remove(&7), rows.update(&7, |_| ())));
    store.update(&ROWS, |rows| rows.retain(|_, _| true));
    assert_eq!(called.take(), 0);
}

#[test]
fn c1_an_edit_whose_entries_come_out_equal_is_no_change() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    let called = runs(&store, &ROWS);
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    store.update(&ROWS, |rows| {
        rows.insert(2, row("two"));
        rows.remove(&2);
        rows.update(&1, |row| row.open = true);
        rows.update(&1, |row| row.open = false);
    });
    assert_eq!(called.take(), 0);
    store.update(&ROWS, |rows| rows.update(&1, |row| row.open = true));
    assert_eq!(called.take(), 1);
}

#[test]
fn c1_eq_compares_the_values_of_entries() {
    let store = ReactonStore::new();
    let (names, events) = (runs(&store, &NAMES), runs(&store, &EVENTS));
    for reacton in [&NAMES, &EVENTS] {
        store.update(reacton, |rows| rows.insert(1, row("one")));
        store.update(reacton, |rows| rows.insert(1, Row { open: true, ..row("one") }));
        store.update(reacton, |rows| rows.insert(1, Row { open: true, ..row("one") }));
        store.update(reacton, |rows| rows.remove(&2));
    }
    assert_eq!((names.get(), events.get()), (1, 3));
    // The value is written although it is equal.
    assert!(store.with(&NAMES, |rows| rows.get(&1).is_some_and(|row| row.open)));
    let opaque = runs(&store, &OPAQUE);
    store.update(&OPAQUE, |rows| rows.insert(1, Opaque));
    store.update(&OPAQUE, |rows| rows.insert(1, Opaque));
    assert_eq!(opaque.get(), 2);
}

#[test]
fn c1_a_nan_equals_itself_in_an_entry() {
    let store = ReactonStore::new();
    let levels = runs(&store, &LEVELS);
    for _ in 0..3 {
        store.update(&LEVELS, |levels| levels.insert(1, f64::NAN));
    }
    assert_eq!(levels.get(), 1);
}

#[test]
fn c1_a_set_and_a_counter_are_changed_by_what_differs() {
    let store = ReactonStore::new();
    let (chosen, done) = (runs(&store, &CHOSEN), runs(&store, &DONE));
    assert!(store.update(&CHOSEN, |chosen| chosen.insert(1)));
    assert!(!store.update(&CHOSEN, |chosen| chosen.insert(1)));
    assert!(store.update(&CHOSEN, |chosen| chosen.insert(2) && chosen.remove(&2)));
    assert_eq!(chosen.get(), 1);
    store.update(&DONE, |done| done.add(2));
    store.update(&DONE, |done| done.add(0));
    store.update(&DONE, |done| {
        done.add(5);
        done.add(-5);
    });
    store.update(&DONE, |done| done.set(2));
    assert_eq!((done.get(), store.get(&DONE).value()), (1, 2));
    store.update(&DONE, |done| {
        done.set(40);
        done.add(2);
    });
    assert_eq!((done.get(), store.get(&DONE).value()), (2, 42));
}

#[test]
fn c1_set_replaces_and_reports_only_the_entries_that_differ() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.extend([(1, row("one")), (2, row("two"))]));
    let (called, changes) = (runs(&store, &ROWS), log_changes(&store));
    store.set(&ROWS, [(1, row("one")), (2, row("two"))].into());
    assert_eq!((called.take(), changes.take()), (0, vec![]));
    store.set(&ROWS, [(2, row("II")), (3, row("three"))].into());
    assert_eq!(called.take(), 1);
    assert_eq!(changes.take(), [["-1 one", "2 two II", "+3 three"]]);
    let before = store.replace(&ROWS, ReactonMap::new());
    assert_eq!((before.len(), store.with(&ROWS, ReactonMap::is_empty)), (2, true));
}

#[test]
fn c1_a_touch_calls_the_observers_of_the_whole_only() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    let (called, changes) = (runs(&store, &ROWS), log_changes(&store));
    let entry = runs(&store, ROWS.at(1));
    store.touch(&ROWS);
    assert_eq!((called.get(), changes.take(), entry.get()), (1, vec![], 0));
    store.batch(|store| {
        store.touch(&ROWS);
        store.update(&ROWS, |rows| rows.insert(2, row("two")));
    });
    assert_eq!((called.get(), changes.take()), (2, vec![vec!["+2 two".to_owned()]]));
}

#[test]
fn c1_an_edit_copies_no_entry_that_it_does_not_touch() {
    let store = ReactonStore::new();
    store.update(&COUNTED, |rows| rows.extend((0..1000).map(|key| (key, row("row")))));
    let (held, snapshot) = (store.get(&COUNTED), store.snapshot());
    store.update(&COUNTED, |rows| rows.insert(500, row("new")));
    let shared = |key: u32| {
        let now = store.get(&COUNTED);
        let (Some(now), Some(held)) = (now.get_arc(&key), held.get_arc(&key)) else { return false };
        std::sync::Arc::ptr_eq(now, held)
    };
    assert!(shared(499) && shared(501) && !shared(500));
    assert_eq!(snapshot.get(&COUNTED).map(ReactonMap::len), Some(1000));
    assert_eq!(held.get(&500), Some(&row("row")));
}

#[test]
fn c1_positions_are_found_by_keys_and_keys_by_positions() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.extend((0..5000).map(|key| (key * 2, row("row")))));
    store.with(&ROWS, |rows| {
        for position in [0, 1, 33, 4999] {
            let (key, _) = rows.nth(position).expect("there is a row for each position");
            assert_eq!(rows.rank(key), position);
        }
        assert_eq!((rows.nth(5000), rows.rank(&9_999)), (None, 5000));
        assert_eq!(
            rows.range(10..20).map(|(key, _)| *key).collect::<Vec<_>>(),
            [10, 12, 14, 16, 18]
        );
        let window: Vec<_> = rows.positions(4998, 6000).map(|(key, _)| *key).collect();
        assert_eq!((window, rows.first().map(|(key, _)| *key)), (vec![9996, 9998], Some(0)));
    });
}

#[test]
fn c1_a_read_inside_of_the_edit_panics_with_the_name() {
    let store = ReactonStore::new();
    let words = panic_of(|| store.update(&ROWS, |_| store.with(&ROWS, ReactonMap::len)));
    assert!(words.contains("ROWS` was read inside its own `update`"), "{words}");
    let words = panic_of(|| store.update(&ROWS, |_| store.get(&ROWS.at(1))));
    assert!(words.contains("an entry of `") && words.contains("ROWS` was read"), "{words}");
    let words = panic_of(|| {
        store.update(&ROWS, |rows| {
            rows.insert(1, row("one"));
            store.set(&ROWS, ReactonMap::new());
        });
    });
    assert!(words.contains("ROWS` was read inside its own `update`"), "{words}");
    assert_eq!(store.with(&ROWS, ReactonMap::len), 1);
}

#[test]
fn c1_other_values_are_written_in_the_same_transaction() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.effect(move |cx| heard.push((cx.with(&ROWS, ReactonMap::len), cx.get(&DONE).value())));
    store.update(&ROWS, |rows| {
        rows.insert(1, row("one"));
        store.update(&DONE, |done| done.add(1));
    });
    store.update_if(&ROWS, |rows| rows.remove(&1).is_none());
    assert_eq!(log.take(), [(0, 0), (1, 1), (0, 1)]);
}

#[test]
fn c1_the_ends_of_a_map_and_of_a_set_are_removed_and_elements_are_retained() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.extend([(1, row("one")), (2, row("two")), (3, row("three"))]));
    store.update(&CHOSEN, |chosen| chosen.extend(1..=6));
    let log = log_changes(&store);
    let ends = store.update(&ROWS, |rows| (rows.pop_first(), rows.pop_last()));
    let (first, last) = ends;
    assert_eq!((first.map(|(key, _)| key), last.map(|(key, _)| key)), (Some(1), Some(3)));
    assert_eq!(log.take(), [["-1 one", "-3 three"]]);
    store.update(&CHOSEN, |chosen| {
        assert_eq!((chosen.pop_first(), chosen.pop_last()), (Some(1), Some(6)));
        chosen.retain(|element| element % 2 == 0 || *element == 5);
    });
    store.with(&CHOSEN, |chosen| {
        assert!(chosen.iter().eq(&[2, 4, 5]) && chosen.positions(1, 9).eq(&[4, 5]));
    });
    assert_eq!(store.update(&CHOSEN, |chosen| (chosen.clear(), chosen.pop_last()).1), None);
}
