//! C12: user code in a view, and what is left when a view ends.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use reacton::collections::Rows;
use reacton::prelude::*;
use reacton_support::{Log, panic_of, quietly};

use crate::views::{NUMBERS, keys, numbers, put};
use crate::{ROWS, Row, TITLE, row};

#[test]
fn c12_a_view_ends_with_its_last_clone_and_its_last_observer() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    let held = Rc::new(());
    let token = || Rc::clone(&held);
    let make = || {
        let (one, two) = (token(), token());
        let from = store.view(&ROWS).filter(move |_, _| Rc::strong_count(&one) > 0);
        store
            .view(&from)
            .map(move |_, row: &Row| (Rc::strong_count(&two) > 0, row.name.clone()))
            .head(5)
    };
    drop(make());
    assert_eq!(Rc::strong_count(&held), 1);
    let view = make();
    let clone = view.clone();
    assert_eq!(store.with(&view, Rows::len), 1);
    drop(view);
    assert_eq!(store.with(&clone, Rows::len), 1);
    drop(clone);
    assert_eq!(Rc::strong_count(&held), 1);
    // An observer keeps the view.
    let (view, log) = (make(), Log::new());
    let heard = log.clone();
    let changes = store.subscribe_changes(&view, move |_, diffs| heard.push(diffs.len()));
    let heard = log.clone();
    let values = store.subscribe(&view, move |_, rows| heard.push(rows.len() + 100));
    drop(view);
    store.update(&ROWS, |rows| rows.insert(2, row("two")));
    assert_eq!(log.take(), [1, 102]);
    changes.unsubscribe();
    store.update(&ROWS, |rows| rows.insert(3, row("three")));
    assert_eq!(log.take(), [103]);
    assert!(Rc::strong_count(&held) > 1);
    values.unsubscribe();
    assert_eq!(Rc::strong_count(&held), 1);
    // An effect makes a view in each run, and no one holds the rows.
    let token = token();
    let count = store.effect(move |cx| {
        let token = Rc::clone(&token);
        let view = cx.store().view(&ROWS).filter(move |_, _| Rc::strong_count(&token) > 0);
        cx.with(&view, Rows::len);
    });
    for _ in 0..5 {
        store.update(&ROWS, |rows| rows.update(&1, |row| row.open = !row.open));
    }
    assert_eq!(Rc::strong_count(&held), 3);
    count.unsubscribe();
    assert_eq!(Rc::strong_count(&held), 1);
    let last = store.update(&ROWS, |rows| rows.remove(&2));
    assert_eq!(last.as_ref().map(Arc::strong_count), Some(1));
}

#[test]
fn c12_a_view_of_another_store_or_of_none_is_refused() {
    let store = numbers(1);
    let view = store.view(&NUMBERS);
    let other = panic_of(|| quietly(|| ReactonStore::new().with(&view, Rows::len)));
    assert_eq!(other, "a view was used with another store than the one that made it");
    store.with(&view, |rows| assert_eq!(rows.len(), 1));
    store.remove(&view);
    let removed = panic_of(|| quietly(|| store.with(&view, Rows::len)));
    assert_eq!(removed, "a view was used after it was removed");
    let late = store.view(&NUMBERS);
    store.dispose();
    let disposed = panic_of(|| quietly(|| store.with(&late, Rows::len)));
    assert_eq!(disposed, "a view was used after its store was disposed");
    drop((view, late));
}

#[test]
fn c12_a_source_that_is_removed_begins_anew() {
    let store = numbers(3);
    let view = store.view(&NUMBERS).filter(|_, number| *number > 0);
    assert_eq!(keys(&store, &view), [1, 2]);
    store.remove(&NUMBERS);
    assert_eq!(keys(&store, &view), [0; 0]);
    put(&store, 5, 5);
    assert_eq!(keys(&store, &view), [5]);
}

#[test]
fn c12_a_closure_that_panics_is_called_again_when_something_has_changed() {
    let store = numbers(5);
    let view = store.view(&NUMBERS).filter(|_, number| {
        assert!(*number != 13, "a bad number");
        *number > 0
    });
    let model = Log::new();
    assert_eq!(keys(&store, &view), [1, 2, 3, 4]);
    let told = model.clone();
    store.subscribe_changes(&view, move |_, diffs| told.push(diffs.to_vec()));
    quietly(|| {
        assert_eq!(panic_of(|| put(&store, 2, 13)), "a bad number");
        assert_eq!(panic_of(|| keys(&store, &view)), "a bad number");
        assert_eq!(panic_of(|| put(&store, 3, 0)), "a bad number");
    });
    put(&store, 2, 5);
    assert_eq!(keys(&store, &view), [1, 2, 4]);
    let mut list = vec![7, 4, 1, 8];
    model.take().concat().iter().for_each(|diff| diff.apply(&mut list));
    assert_eq!(list, [7, 5, 8]);
}

#[test]
fn c12_closures_may_read_and_write_the_store() {
    let store = numbers(5);
    let (weak, calls) = (store.downgrade(), Rc::new(Cell::new(0)));
    let counter = Rc::clone(&calls);
    let view = store.view(&NUMBERS).filter(move |key, _| {
        counter.set(counter.get() + 1);
        let Some(store) = weak.upgrade() else { return true };
        let title = store.get(&TITLE);
        store.set(&TITLE, format!("{title}{key}"));
        // A write to the source of the view is part of its next run.
        if *key == 2 {
            put(&store, 9, 9);
        }
        store.with(&NUMBERS, ReactonMap::len) < 100
    });
    assert_eq!(keys(&store, &view), [0, 1, 2, 3, 4]);
    assert_eq!((store.get(&TITLE).as_str(), calls.take()), ("01234", 5));
    put(&store, 3, 9);
    assert_eq!((keys(&store, &view), calls.take()), (vec![0, 1, 2, 3, 4, 9], 2));
}

#[test]
fn c12_a_view_read_in_the_update_of_its_source_panics_and_recovers() {
    let store = numbers(3);
    let view = store.view(&NUMBERS);
    assert_eq!(keys(&store, &view), [0, 1, 2]);
    let text = panic_of(|| {
        quietly(|| {
            store.update(&NUMBERS, |numbers| {
                numbers.insert(7, 7);
                // The edit is not committed, so the view has the rows from before.
                let before = keys(&store, &view);
                assert_eq!(before, [0, 1, 2]);
                store.with(&NUMBERS, ReactonMap::len)
            })
        })
    });
    assert!(text.contains("inside its own `update`"), "{text}");
    assert_eq!(keys(&store, &view), [0, 1, 2, 7]);
}

#[test]
fn c12_a_collection_that_takes_the_place_of_another_in_an_edit_is_in_the_view() {
    let store = numbers(3);
    let view = store.view(&NUMBERS).filter(|_, number| *number > 0);
    let sum = store.fold(&NUMBERS, 0, |sum, change| {
        sum + change.new().map_or(0, |new| **new) - change.old().map_or(0, |old| **old)
    });
    assert_eq!((keys(&store, &view), store.get(&sum)), (vec![1, 2], 11));
    store.update(&NUMBERS, |numbers| *numbers = [(1, 0), (5, 5)].into());
    assert_eq!((keys(&store, &view), store.get(&sum)), (vec![5], 5));
    store.update(&NUMBERS, |numbers| {
        let other = std::mem::take(numbers);
        numbers.extend(other.iter().map(|(key, number)| (key + 1, *number)));
    });
    assert_eq!((keys(&store, &view), store.get(&sum)), (vec![6], 5));
    put(&store, 6, 7);
    assert_eq!((keys(&store, &view), store.get(&sum)), (vec![6], 7));
}

#[test]
fn c12_a_view_follows_what_other_stores_write() {
    let store = numbers(3);
    let view = store.view(&NUMBERS).sort_by_key(|_, number| *number);
    assert_eq!(keys(&store, &view), [0, 2, 1]);
    let worker = IsolateStore::spawn(&store, reacton::shared![NUMBERS], |store| {
        store.update(&NUMBERS, |numbers| numbers.insert(7, 5));
        store.update(&NUMBERS, |numbers| numbers.remove(&0));
        store.update(&NUMBERS, |numbers| numbers.insert(1, 1));
    });
    assert!(worker.is_ok());
    let expected = |store: &ReactonStore| keys(store, &view) == [1, 2, 7];
    reacton_support::wait_until(&store, expected);
}
