//! C13: observers of the changes of a view receive steps by index, which lead from their old rows to the new ones.

use std::cell::RefCell;
use std::rc::Rc;

use futures_lite::StreamExt;
use reacton::collections::Rows;
use reacton::prelude::*;
use reacton_support::Log;

#[reacton]
static NUMBERS: ReactonMap<u32, u32> = ReactonMap::new();

fn store_of(numbers: &[(u32, u32)]) -> ReactonStore {
    let store = ReactonStore::new();
    store.update(&NUMBERS, |all| all.extend(numbers.iter().copied()));
    store
}

/// A step as a short text.
fn told(diff: &Diff<u32>) -> String {
    match diff {
        Diff::Insert { index, new } => format!("+{index} {new}"),
        Diff::Remove { index, old } => format!("-{index} {old}"),
        Diff::Set { index, old, new } => format!("{index} {old} {new}"),
        Diff::Move { from, to } => format!("{from}>{to}"),
    }
}

/// Returns a log of the calls of an observer, and the list that it updates.
type Kept = (Log<Vec<String>>, Rc<RefCell<Vec<u32>>>);

fn observe<S: Ord + Clone + 'static>(store: &ReactonStore, view: &View<u32, u32, S>) -> Kept {
    let (log, list) = (
        Log::new(),
        Rc::new(RefCell::new(store.with(view, |rows| rows.values().copied().collect()))),
    );
    let (heard, kept) = (log.clone(), Rc::clone(&list));
    store.subscribe_changes(view, move |_, diffs| {
        heard.push(diffs.iter().map(told).collect());
        for diff in diffs {
            diff.apply(&mut kept.borrow_mut());
        }
    });
    (log, list)
}

#[test]
fn c13_removals_come_from_the_back_then_insertions_and_moves_from_the_front_then_sets() {
    let store = store_of(&[(1, 10), (2, 20), (3, 30), (4, 40), (5, 50), (6, 60)]);
    let sorted = store.view(&NUMBERS).sort_by_key(|_, number| *number);
    let (log, list) = observe(&store, &sorted);
    store.update(&NUMBERS, |numbers| {
        numbers.remove(&1);
        numbers.remove(&4);
        numbers.insert(6, 25);
        numbers.insert(9, 22);
        numbers.insert(5, 55);
    });
    // After each group of steps the list is 20 30 50 60, then 20 22 30 50 60, then 20 22 60 30 50.
    assert_eq!(log.take(), [["-3 40", "-0 10", "+1 22", "4>2", "2 60 25", "4 50 55"]]);
    assert_eq!(*list.borrow(), [20, 22, 25, 30, 55]);
    // The row that moves to the end is still before the inserted one.
    store.update(&NUMBERS, |numbers| {
        numbers.insert(2, 70);
        numbers.insert(7, 26);
    });
    assert_eq!(log.take(), [["+3 26", "0>5", "5 20 70"]]);
    assert_eq!(*list.borrow(), [22, 25, 26, 30, 55, 70]);
}

#[test]
fn c13_a_row_that_keeps_its_place_is_set_and_one_that_only_moves_is_not() {
    let store = store_of(&[(1, 10), (2, 20), (3, 30)]);
    let sorted = store.view(&NUMBERS).sort_by_key(|_, number| *number);
    let tens = sorted.clone().map(|_, number| number % 10);
    let ((log, _), (of_tens, list)) = (observe(&store, &sorted), observe(&store, &tens));
    store.update(&NUMBERS, |numbers| numbers.insert(2, 21));
    assert_eq!(
        (log.take(), of_tens.take()),
        (vec![vec!["1 20 21".into()]], vec![vec!["1 0 1".into()]])
    );
    store.update(&NUMBERS, |numbers| numbers.insert(2, 41));
    assert_eq!(
        (log.take(), of_tens.take()),
        (vec![vec!["1>2".into(), "2 21 41".into()]], vec![vec!["1>2".into()]])
    );
    assert_eq!(*list.borrow(), [0, 0, 1]);
}

#[test]
fn c13_a_change_of_the_filter_is_reported_as_insertions_and_removals() {
    let store = store_of(&[(1, 1), (2, 2), (3, 3), (4, 4)]);
    let most = store.reacton(3);
    let view = store.view(&NUMBERS).filter_by(&most, |most, _, number| number <= most);
    let (log, list) = observe(&store, &view);
    store.set(&most, 1);
    store.set(&most, 4);
    store.batch(|store| {
        store.set(&most, 2);
        assert_eq!(store.with(&view, Rows::len), 2);
        store.set(&most, 4);
    });
    assert_eq!(log.take(), [vec!["-2 3", "-1 2"], vec!["+1 2", "+2 3", "+3 4"]]);
    assert_eq!(*list.borrow(), [1, 2, 3, 4]);
}

#[test]
fn c13_changes_of_a_head_are_insertions_and_removals() {
    let store = store_of(&[(1, 10), (2, 20), (3, 30), (4, 40)]);
    let head = store.view(&NUMBERS).sort_by_key(|_, number| *number).head(2);
    let (log, list) = observe(&store, &head);
    store.update(&NUMBERS, |numbers| numbers.insert(4, 15));
    store.update(&NUMBERS, |numbers| numbers.insert(3, 35));
    store.update(&NUMBERS, |numbers| numbers.remove(&1));
    store.update(&NUMBERS, |numbers| numbers.insert(4, 50));
    assert_eq!(
        log.take(),
        [vec!["-1 20", "+1 15"], vec!["-0 10", "+1 20"], vec!["-0 15", "+1 35"]]
    );
    assert_eq!(*list.borrow(), [20, 35]);
}

#[test]
fn c13_an_observer_made_in_a_batch_receives_only_later_changes() {
    let store = store_of(&[(1, 10)]);
    let view = store.view(&NUMBERS).sort_by_key(|_, number| *number);
    let kept = store.batch(|store| {
        store.update(&NUMBERS, |numbers| numbers.insert(2, 5));
        let kept = observe(store, &view);
        assert_eq!(*kept.1.borrow(), [5, 10]);
        store.update(&NUMBERS, |numbers| numbers.remove(&1));
        kept
    });
    assert_eq!((kept.0.take(), kept.1.take()), (vec![vec!["-1 10".to_owned()]], vec![5]));
}

#[test]
fn c13_changes_of_a_view_are_a_stream_too() {
    futures_lite::future::block_on(async {
        let store = store_of(&[(1, 10), (2, 5)]);
        let view = store.view(&NUMBERS).sort_by_key(|_, number| *number);
        let mut changes = store.stream_changes(&view);
        drop(view);
        let mut list = Vec::new();
        for expected in [vec![5, 10], vec![5, 7, 9, 10]] {
            for diff in changes.next().await.unwrap_or_default() {
                diff.apply(&mut list);
            }
            assert_eq!(list, expected);
            store.update(&NUMBERS, |numbers| numbers.insert(3, 7));
            store.update(&NUMBERS, |numbers| numbers.insert(4, 8));
            store.update(&NUMBERS, |numbers| numbers.insert(4, 9));
        }
        store.update(&NUMBERS, ReactonMap::clear);
        changes.next().await.unwrap_or_default().iter().for_each(|diff| diff.apply(&mut list));
        assert_eq!(list, [0; 0]);
    });
}
