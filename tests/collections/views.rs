//! C12: whenever a view is read, it has the filtered, mapped and sorted rows of its source.

use std::cell::Cell;
use std::cmp::Reverse;
use std::rc::Rc;

use reacton::collections::Rows;
use reacton::prelude::*;
use reacton_support::Log;

use crate::CHOSEN;

#[reacton]
pub(crate) static NUMBERS: ReactonMap<u32, u32> = ReactonMap::new();

#[reacton]
static MOST: u32 = 100;

/// A store with the numbers 0, 7, 4, 1, .. below the keys 0, 1, 2, 3, ..
pub(crate) fn numbers(count: u32) -> ReactonStore {
    let store = ReactonStore::new();
    store.update(&NUMBERS, |numbers| numbers.extend((0..count).map(|key| (key, key * 7 % 10))));
    store
}

pub(crate) fn put(store: &ReactonStore, key: u32, number: u32) {
    store.update(&NUMBERS, |numbers| numbers.insert(key, number));
}

/// The keys of a view, in its order.
pub(crate) fn keys<V: 'static, S: Ord + Clone + 'static>(
    store: &ReactonStore,
    view: &View<u32, V, S>,
) -> Vec<u32> {
    store.with(view, |rows| rows.keys().copied().collect())
}

/// A counter, and a closure that counts its calls.
fn counted<A, B, U>(f: impl Fn(&A, &B) -> U) -> (Rc<Cell<u32>>, impl Fn(&A, &B) -> U) {
    let calls = Rc::new(Cell::new(0));
    let counter = Rc::clone(&calls);
    let called = move |a: &A, b: &B| {
        counter.set(counter.get() + 1);
        f(a, b)
    };
    (calls, called)
}

#[test]
fn c12_a_view_is_its_source_filtered_mapped_and_sorted() {
    let store = numbers(6);
    let all = store.view(&NUMBERS);
    assert_eq!(keys(&store, &all), [0, 1, 2, 3, 4, 5]);
    let sorted = store
        .view(&NUMBERS)
        .filter(|_, number| *number > 0)
        .sort_by_key(|_, number| Reverse(*number))
        .map(|key, number| format!("{key}: {number}"));
    let texts = |store: &ReactonStore| {
        store.with(&sorted, |rows| rows.values().cloned().collect::<Vec<_>>())
    };
    assert_eq!(texts(&store), ["4: 8", "1: 7", "5: 5", "2: 4", "3: 1"]);
    put(&store, 3, 9);
    put(&store, 4, 0);
    put(&store, 7, 7);
    assert_eq!(texts(&store), ["3: 9", "1: 7", "7: 7", "5: 5", "2: 4"]);
    store.with(&sorted, |rows| {
        assert_eq!((rows.len(), rows.is_empty()), (5, false));
        assert_eq!(
            (rows.position(&7), rows.position(&4), rows.position(&40)),
            (Some(2), None, None)
        );
        assert_eq!((rows.get(&2).map(String::as_str), rows.get(&0)), (Some("2: 4"), None));
        assert_eq!(rows.nth(1).map(|(key, _)| *key), Some(1));
        assert_eq!(
            (rows.first().map(|(key, _)| *key), rows.last().map(|(key, _)| *key)),
            (Some(3), Some(2))
        );
        assert!(rows.contains_key(&5) && !rows.contains_key(&4) && rows.nth(5).is_none());
        assert_eq!(rows.iter().rev().map(|(key, _)| *key).collect::<Vec<_>>(), [2, 5, 7, 1, 3]);
    });
}

#[test]
fn c12_a_window_of_a_view_can_be_taken_out() {
    let store = numbers(10);
    let sorted = store.view(&NUMBERS).sort_by_key(|_, number| *number);
    let window = store.with(&sorted, |rows| rows.range(2..5));
    assert_eq!(window.len(), 3);
    store.set(&NUMBERS, ReactonMap::new());
    assert_eq!(
        window.map(|(key, number)| (key, *number)).collect::<Vec<_>>(),
        [(6, 2), (9, 3), (2, 4)]
    );
    put(&store, 1, 1);
    let counts = store.with(&sorted, |rows| {
        [
            rows.range(..).count(),
            rows.range(..=0).count(),
            rows.range(1..).count(),
            rows.range(7..9).count(),
        ]
    });
    assert_eq!(counts, [1, 1, 0, 0]);
    assert_eq!(store.with(&sorted, |rows| rows.range(..).next_back().map(|(key, _)| key)), Some(1));
}

#[test]
fn c12_nothing_is_computed_while_nobody_reads() {
    let store = numbers(100);
    let (calls, keep) = counted(|_: &u32, number: &u32| *number > 3);
    let view = store.view(&NUMBERS).filter(keep);
    put(&store, 7, 1);
    assert_eq!(calls.take(), 0);
    let count = store.with(&view, Rows::len);
    assert_eq!((calls.take(), count), (100, 59));
    for number in 0..50 {
        put(&store, number % 10, number);
    }
    assert_eq!(calls.take(), 0);
    store.with(&view, |_| ());
    assert_eq!(calls.take(), 10);
    store.with(&view, |_| ());
    assert_eq!(calls.take(), 0);
}

#[test]
fn c12_a_view_that_nobody_reads_queues_at_most_all_rows() {
    let store = numbers(10);
    let view = store.view(&NUMBERS).filter(|_, number| *number > 3);
    assert_eq!(store.with(&view, Rows::len), 6);
    let (total, calls) = (Log::new(), Rc::new(Cell::new(0)));
    let counter = Rc::clone(&calls);
    let sum = store.fold(&NUMBERS, 0, move |sum, change| {
        counter.set(counter.get() + 1);
        sum + change.new().map_or(0, |new| **new) - change.old().map_or(0, |old| **old)
    });
    total.push(store.get(&sum));
    calls.take();
    // Each row is removed before the next one is added, so the table stays small, but the number of changes grows.
    for key in 1000..50_000 {
        put(&store, key, 5);
        store.update(&NUMBERS, |numbers| numbers.remove(&key));
    }
    put(&store, 3, 8);
    assert_eq!(store.with(&view, Rows::len), 7);
    total.push(store.get(&sum));
    assert_eq!(total.take(), [45, 52]);
    assert!(calls.get() <= 10, "{} changes", calls.get());
}

#[test]
fn c12_one_changed_row_calls_each_closure_once() {
    let store = numbers(10_000);
    let (filtered, keep) = counted(|_: &u32, number: &u32| *number > 3);
    let (mapped, map) = counted(|_: &u32, number: &u32| number + 1);
    let (sorted, sort) = counted(|_: &u32, number: &u32| *number);
    let view = store.view(&NUMBERS).filter(keep).map(map).sort_by_key(sort);
    let first = store.view(&view).head(10);
    store.effect(move |cx| {
        let _ = (cx.with(&view, Rows::len), cx.with(&first, Rows::len));
    });
    let calls = || (filtered.take(), mapped.take(), sorted.take());
    assert_eq!(calls(), (10_000, 6_000, 6_000));
    put(&store, 77, 8);
    put(&store, 77, 5);
    assert_eq!(calls(), (2, 2, 2));
    put(&store, 77, 0);
    assert_eq!(calls(), (1, 0, 0));
    store.update(&NUMBERS, |numbers| numbers.remove(&78));
    assert_eq!(calls(), (0, 0, 0));
    put(&store, 77, 0);
    assert_eq!(calls(), (0, 0, 0));
    store.batch(|store| {
        put(store, 77, 9);
        put(store, 99, 9);
        put(store, 77, 6);
    });
    assert_eq!(calls(), (2, 2, 2));
}

#[test]
fn c12_a_filter_by_a_reacton_begins_anew_when_that_changes() {
    let store = numbers(10);
    let calls = Rc::new(Cell::new(0));
    let counter = Rc::clone(&calls);
    let local = store.reacton(0);
    let least = store.computed(move |cx| cx.get(&local) / 2);
    let view = store.view(&NUMBERS).filter_by(&MOST, |most, _, number| number <= most).filter_by(
        &least,
        move |least, _, number| {
            counter.set(counter.get() + 1);
            number >= least
        },
    );
    assert_eq!((keys(&store, &view).len(), calls.take()), (10, 10));
    store.set(&MOST, 3);
    assert_eq!((keys(&store, &view), calls.take()), (vec![0, 3, 6, 9], 4));
    store.set(&local, 1);
    assert_eq!((keys(&store, &view), calls.take()), (vec![0, 3, 6, 9], 0));
    store.set(&local, 4);
    assert_eq!((keys(&store, &view), calls.take()), (vec![6, 9], 4));
    put(&store, 7, 2);
    assert_eq!((keys(&store, &view), calls.take()), (vec![6, 7, 9], 1));
    // A batch that restores the value is no change.
    store.batch(|store| {
        store.set(&MOST, 0);
        store.set(&MOST, 3);
    });
    assert_eq!((keys(&store, &view), calls.take()), (vec![6, 7, 9], 0));
    store.remove(&MOST);
    assert_eq!(keys(&store, &view), [1, 2, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn c12_readers_of_the_view_and_of_its_source_see_one_state() {
    let store = numbers(10);
    let view = store.view(&NUMBERS).sort_by_key(|_, number| *number);
    let (first, seen) = (store.view(&view).head(3), Log::new());
    let log = seen.clone();
    let (whole, part) = (view.clone(), first.clone());
    store.effect(move |cx| {
        let mut all = cx.with(&NUMBERS, |numbers| {
            numbers.iter().map(|(key, number)| (*number, *key)).collect::<Vec<_>>()
        });
        all.sort_unstable();
        let sorted = cx.with(&whole, |rows| {
            rows.iter().map(|(key, number)| (*number, *key)).collect::<Vec<_>>()
        });
        let three = cx.with(&part, |rows| {
            rows.iter().map(|(key, number)| (*number, *key)).collect::<Vec<_>>()
        });
        assert_eq!((&sorted, &sorted[..3.min(sorted.len())]), (&all, three.as_slice()));
        log.push(all.len());
    });
    put(&store, 3, 9);
    store.batch(|store| {
        put(store, 20, 0);
        assert_eq!(keys(store, &first), [0, 20, 6]);
        store.update(&NUMBERS, |numbers| numbers.remove(&0));
        assert_eq!(keys(store, &first), [20, 6, 9]);
    });
    store.set(&NUMBERS, [(1, 1)].into());
    assert_eq!(seen.take(), [10, 10, 10, 1]);
}

#[test]
fn c12_a_batch_that_puts_everything_back_is_no_change_of_a_view() {
    let store = numbers(10);
    let view =
        store.view(&NUMBERS).filter(|_, number| *number < 5).sort_by_key(|_, number| *number);
    let (runs, diffs) = (Log::new(), Log::new());
    let (ran, told, read) = (runs.clone(), diffs.clone(), view.clone());
    store.effect(move |cx| ran.push(cx.with(&read, Rows::len)));
    store.subscribe_changes(&view, move |_, diffs| told.push(diffs.len()));
    store.batch(|store| {
        put(store, 0, 4);
        assert_eq!(keys(store, &view), [3, 6, 9, 0, 2]);
        store.update(&NUMBERS, |numbers| numbers.remove(&3));
        assert_eq!(keys(store, &view), [6, 9, 0, 2]);
        put(store, 0, 0);
        put(store, 3, 1);
    });
    assert_eq!((runs.take(), diffs.take()), (vec![5], vec![]));
    // A change of a row outside of the filter is no change.
    put(&store, 1, 8);
    put(&store, 2, 4);
    assert_eq!((runs.take(), diffs.take()), (vec![], vec![]));
}

#[test]
fn c12_a_change_behind_the_head_is_no_change() {
    let store = numbers(10);
    let top = store.view(&NUMBERS).sort_by_key(|_, number| Reverse(*number)).head(3);
    let runs = Log::new();
    let (ran, read) = (runs.clone(), top.clone());
    store.effect(move |cx| {
        ran.push(cx.with(&read, |rows| rows.keys().copied().collect::<Vec<_>>()));
    });
    assert_eq!(runs.take(), [[7, 4, 1]]);
    put(&store, 0, 3);
    store.update(&NUMBERS, |numbers| numbers.remove(&9));
    assert_eq!(runs.take().len(), 0);
    put(&store, 0, 20);
    store.update(&NUMBERS, |numbers| numbers.remove(&7));
    assert_eq!(runs.take(), [[0, 7, 4], [0, 4, 1]]);
    // The row leaves the head, and enters it again.
    store.batch(|store| {
        put(store, 4, 0);
        put(store, 5, 7);
        put(store, 4, 8);
        put(store, 5, 5);
    });
    assert_eq!(runs.take().len(), 0);
    let (none, more) = (top.clone().head(0), top.clone().head(9));
    assert_eq!((keys(&store, &none).len(), keys(&store, &more)), (0, vec![0, 4, 1]));
    let odd = top.filter(|key, _| key % 2 == 1);
    assert_eq!(keys(&store, &odd), [1]);
    put(&store, 9, 30);
    assert_eq!((keys(&store, &odd), keys(&store, &none).len()), (vec![9], 0));
}

#[test]
fn c12_a_view_of_a_view_keeps_its_order_and_shares_its_work() {
    let store = numbers(10);
    let (calls, keep) = counted(|_: &u32, number: &u32| *number > 3);
    let sorted = store.view(&NUMBERS).filter(keep).sort_by_key(|_, number| *number);
    let even = store.view(&sorted).filter(|key, _| key % 2 == 0);
    let names = sorted.clone().map(|key, _| key.to_string());
    assert_eq!(keys(&store, &even), [2, 8, 4]);
    assert_eq!(keys(&store, &names), keys(&store, &sorted));
    assert_eq!(calls.take(), 10);
    put(&store, 8, 9);
    assert_eq!((keys(&store, &even), calls.take()), (vec![2, 4, 8], 1));
    assert_eq!((keys(&store, &names).len(), calls.take()), (6, 0));
    let by_key = store.view(&even).sort_by_key(|key, _| Reverse(*key));
    assert_eq!(keys(&store, &by_key), [8, 4, 2]);
}

#[test]
fn c12_elements_of_a_set_are_rows_too() {
    let store = ReactonStore::new();
    let even = store
        .view(&CHOSEN)
        .filter(|element, ()| element % 2 == 0)
        .sort_by_key(|element, ()| Reverse(*element));
    store.update(&CHOSEN, |chosen| chosen.extend(0..5));
    assert_eq!(keys(&store, &even), [4, 2, 0]);
    store.update(&CHOSEN, |chosen| chosen.remove(&2));
    assert_eq!(keys(&store, &even), [4, 0]);
}

#[test]
fn c12_rows_that_are_mapped_to_equal_ones_are_no_change() {
    let store = numbers(10);
    let halves = store.view(&NUMBERS).map(|_, number| number / 2);
    let runs = Log::new();
    let (ran, read) = (runs.clone(), halves.clone());
    store.effect(move |cx| ran.push(cx.with(&read, |rows| rows.values().sum::<u32>())));
    put(&store, 2, 5);
    assert_eq!(runs.take(), [20]);
    put(&store, 2, 6);
    assert_eq!(runs.take(), [21]);
}
