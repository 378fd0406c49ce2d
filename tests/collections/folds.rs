//! C14: a fold is computed from the changes, and has the same result as from all entries.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of, quietly};

use crate::{CHOSEN, DONE, ROWS, row};

#[reacton]
static NUMBERS: ReactonMap<u32, i64> = ReactonMap::new();

fn put(store: &ReactonStore, key: u32, number: i64) {
    store.update(&NUMBERS, |numbers| numbers.insert(key, number));
}

/// A fold of the sum of the numbers, and the number of calls of its closure.
fn sum(store: &ReactonStore) -> (LocalComputed<i64>, Rc<Cell<u32>>) {
    let calls = Rc::new(Cell::new(0));
    let counter = Rc::clone(&calls);
    let sum = store.fold(&NUMBERS, 0, move |sum, change| {
        counter.set(counter.get() + 1);
        sum + change.new().map_or(0, |new| **new) - change.old().map_or(0, |old| **old)
    });
    (sum, calls)
}

#[test]
fn c14_a_fold_receives_the_changes_since_its_last_read() {
    let store = ReactonStore::new();
    store.update(&NUMBERS, |numbers| numbers.extend((0..1000).map(|key| (key, 1))));
    let (sum, calls) = sum(&store);
    assert_eq!(calls.get(), 0);
    assert_eq!((store.get(&sum), calls.take()), (1000, 1000));
    put(&store, 7, 10);
    put(&store, 7, 20);
    store.update(&NUMBERS, |numbers| numbers.remove(&8));
    assert_eq!(calls.get(), 0);
    assert_eq!((store.get(&sum), calls.take()), (1018, 2));
    assert_eq!((store.get(&sum), calls.take()), (1018, 0));
    store.set(&NUMBERS, [(1, 5)].into());
    assert_eq!(store.get(&sum), 5);
    store.remove(&NUMBERS);
    assert_eq!(store.get(&sum), 0);
    put(&store, 1, 3);
    assert_eq!(store.get(&sum), 3);
}

#[test]
fn c14_an_equal_result_is_no_change_and_a_batch_that_puts_back_is_none() {
    let store = ReactonStore::new();
    store.update(&NUMBERS, |numbers| numbers.extend([(1, 1), (2, 2)]));
    let (sum, _) = sum(&store);
    let runs = Log::new();
    let ran = runs.clone();
    store.subscribe(&sum, move |_, sum| ran.push(*sum));
    store.batch(|store| {
        put(store, 1, 2);
        put(store, 2, 1);
    });
    store.batch(|store| {
        put(store, 1, 7);
        assert_eq!(store.get(&sum), 8);
        put(store, 1, 2);
        assert_eq!(store.get(&sum), 3);
    });
    assert_eq!(runs.take(), [0; 0]);
    store.batch(|store| {
        put(store, 1, 7);
        assert_eq!(store.get(&sum), 8);
        put(store, 1, 8);
    });
    assert_eq!(runs.take(), [9]);
}

#[test]
fn c14_a_fold_that_panicked_begins_anew() {
    let store = ReactonStore::new();
    let sum = store.fold(&NUMBERS, 0, |sum, change| {
        let (new, old) = (change.new().map_or(0, |new| **new), change.old().map_or(0, |old| **old));
        assert!(new >= 0, "a negative number");
        sum + new - old
    });
    put(&store, 1, 1);
    assert_eq!(store.get(&sum), 1);
    put(&store, 2, 5);
    put(&store, 3, -1);
    assert_eq!(panic_of(|| quietly(|| store.get(&sum))), "a negative number");
    put(&store, 3, 2);
    assert_eq!(store.get(&sum), 8);
}

#[test]
fn c14_rows_by_group() {
    let store = ReactonStore::new();
    let groups = store.fold(&ROWS, BTreeMap::new(), |mut groups: BTreeMap<String, i32>, change| {
        for (row, by) in [(change.old(), -1), (change.new(), 1)] {
            if let Some(row) = row {
                let count = groups.entry(row.name.clone()).or_default();
                *count += by;
                if *count == 0 {
                    groups.remove(&row.name);
                }
            }
        }
        groups
    });
    store.update(&ROWS, |rows| rows.extend([(1, row("a")), (2, row("b")), (3, row("a"))]));
    assert_eq!(store.get(&groups), BTreeMap::from([("a".into(), 2), ("b".into(), 1)]));
    store.update(&ROWS, |rows| rows.insert(2, row("a")));
    assert_eq!(store.get(&groups), BTreeMap::from([("a".into(), 3)]));
}

#[test]
fn c14_sets_counters_and_views_can_be_folded() {
    let store = ReactonStore::new();
    let size = store.fold(&CHOSEN, 0, |size, change| {
        size + i32::from(change.new().is_some()) - i32::from(change.old().is_some())
    });
    let done = store.fold(&DONE, 0, |done, change| {
        done + change.new().unwrap_or(&0) - change.old().unwrap_or(&0)
    });
    let large =
        store.view(&NUMBERS).filter(|_, number| *number > 3).sort_by_key(|_, number| *number);
    let list = store.fold(&large, Vec::new(), |mut list, diff| {
        diff.apply(&mut list);
        list
    });
    drop(large);
    store.update(&CHOSEN, |chosen| chosen.extend([1, 2, 3]));
    store.update(&DONE, |done| done.add(4));
    store.update(&NUMBERS, |numbers| numbers.extend([(1, 9), (2, 1), (3, 5)]));
    assert_eq!((store.get(&size), store.get(&done), store.get(&list)), (3, 4, vec![5, 9]));
    store.update(&CHOSEN, |chosen| chosen.remove(&1));
    store.update(&DONE, |done| done.set(1));
    put(&store, 2, 7);
    put(&store, 1, 4);
    assert_eq!((store.get(&size), store.get(&done), store.get(&list)), (2, 1, vec![4, 5, 7]));
}

#[reacton]
static QUEUE: ReactonList<&'static str> = ReactonList::new();

#[test]
fn c14_a_list_can_be_folded() {
    let store = ReactonStore::new();
    let copy = store.fold(&QUEUE, Vec::new(), |mut list, diff| {
        diff.apply(&mut list);
        list
    });
    store.update(&QUEUE, |queue| {
        for item in ["a", "b", "c"] {
            queue.push(item);
        }
    });
    assert_eq!(store.get(&copy), ["a", "b", "c"]);
    store.update(&QUEUE, |queue| queue.move_to(0, 2));
    assert_eq!(store.get(&copy), ["b", "c", "a"]);
}

#[test]
fn c14_a_fold_ends_as_other_computeds_do() {
    let store = ReactonStore::new();
    let held = Rc::new(());
    let token = Rc::clone(&held);
    let sum =
        store.fold(&store.view(&NUMBERS), 0, move |count, _| count + Rc::strong_count(&token));
    store.get(&sum);
    store.remove(&sum);
    assert_eq!(Rc::strong_count(&held), 1);
    store.dispose();
    let text = panic_of(|| quietly(|| store.fold(&NUMBERS, 0, |count, _| count)));
    assert_eq!(text, "a local was made in a store that is disposed");
}
