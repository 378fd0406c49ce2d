//! C2: observers of changes receive net changes, in the order of the keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use reacton::prelude::*;
use reacton_support::Log;

use crate::{CHOSEN, DONE, ROWS, Row, TITLE, log_changes, row};

#[test]
fn c2_a_transaction_is_reported_once_in_the_order_of_the_keys() {
    let store = ReactonStore::new();
    let log = log_changes(&store);
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(2, row("two")));
        store.update(&ROWS, |rows| rows.extend([(3, row("three")), (1, row("one"))]));
        store.update(&ROWS, |rows| rows.remove(&3));
    });
    assert_eq!(log.take(), [["+1 one", "+2 two"]]);
    store.update(&ROWS, |rows| {
        rows.insert(2, row("II"));
        rows.remove(&1);
        rows.insert(0, row("zero"));
    });
    assert_eq!(log.take(), [["+0 zero", "-1 one", "2 two II"]]);
}

#[test]
fn c2_a_change_holds_the_rows_by_count() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    let first = store.get(&ROWS);
    let held = Log::new();
    let keeper = held.clone();
    store.subscribe_changes(&ROWS, move |_, changes| {
        keeper.push(changes.to_vec());
    });
    store.update(&ROWS, |rows| rows.insert(1, row("two")));
    let now = store.get(&ROWS);
    let changes = held.take().concat();
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(
        (change.key(), change.old(), change.new()),
        (&1, first.get_arc(&1), now.get_arc(&1))
    );
    assert!(change.old().zip(first.get_arc(&1)).is_some_and(|(one, two)| Arc::ptr_eq(one, two)));
    assert!(change.new().zip(now.get_arc(&1)).is_some_and(|(one, two)| Arc::ptr_eq(one, two)));
}

#[test]
fn c2_writes_of_another_observer_in_the_same_round_are_included() {
    let store = ReactonStore::new();
    store.subscribe_changes(&ROWS, |store, changes| {
        if changes.iter().any(|change| *change.key() == 1) {
            store.update(&ROWS, |rows| {
                rows.insert(2, row("two"));
                rows.insert(1, row("I"));
            });
        }
        if changes.iter().any(|change| *change.key() == 2) {
            store.update(&ROWS, |rows| rows.remove(&2));
        }
    });
    let log = log_changes(&store);
    let mirror = mirror(&store);
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    // The first observer wrote before the second one was called. Its entry is removed in the next round.
    assert_eq!(log.take().concat(), ["+1 I", "+2 two", "-2 two"]);
    assert_eq!(*mirror.borrow(), contents(&store));
}

fn contents(store: &ReactonStore) -> BTreeMap<u32, Row> {
    store.with(&ROWS, |rows| rows.iter().map(|(key, row)| (*key, row.clone())).collect())
}

/// A map that is updated only by the changes, each of which must fit.
fn mirror(store: &ReactonStore) -> Rc<RefCell<BTreeMap<u32, Row>>> {
    let mirror = Rc::new(RefCell::new(contents(store)));
    let kept = Rc::clone(&mirror);
    store.subscribe_changes(&ROWS, move |_, changes| {
        for change in changes {
            let old = match change.new() {
                Some(new) => kept.borrow_mut().insert(*change.key(), Row::clone(new)),
                None => kept.borrow_mut().remove(change.key()),
            };
            assert_eq!(old.as_ref(), change.old().map(|row| &**row));
        }
    });
    mirror
}

#[test]
fn c2_an_observer_made_in_a_batch_receives_only_later_changes() {
    let store = ReactonStore::new();
    let late = Log::new();
    let early = log_changes(&store);
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(1, row("one")));
        let heard = late.clone();
        store.subscribe_changes(&ROWS, move |_, changes| {
            heard.push(changes.iter().map(crate::told).collect::<Vec<_>>());
        });
        store.update(&ROWS, |rows| rows.insert(2, row("two")));
    });
    assert_eq!(
        (late.take(), early.take()),
        (vec![vec!["+2 two".to_owned()]], vec![vec!["+1 one".to_owned(), "+2 two".into()]])
    );
    // The batch undoes what it had written before the observer was made.
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(3, row("three")));
        let heard = late.clone();
        store.subscribe_changes(&ROWS, move |_, changes| {
            heard.push(changes.iter().map(crate::told).collect::<Vec<_>>());
        });
        store.update(&ROWS, |rows| rows.remove(&3));
    });
    assert_eq!((late.take(), early.take()), (vec![vec!["-3 three".to_owned()]], vec![]));
}

#[test]
fn c2_an_observer_that_panics_does_not_receive_the_same_changes_again() {
    let store = ReactonStore::new();
    let log = log_changes(&store);
    let calls = Log::new();
    let heard = calls.clone();
    store.subscribe_changes(&ROWS, move |_, changes| {
        heard.push(changes.len());
        assert!(changes.len() < 2, "broken on purpose");
    });
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    reacton_support::panic_of(|| {
        store.update(&ROWS, |rows| rows.extend([(2, row("two")), (3, row("three"))]));
    });
    store.update(&ROWS, |rows| rows.remove(&1));
    assert_eq!(calls.take(), [1, 2, 1]);
    assert_eq!(log.take().len(), 3);
}

#[test]
fn c2_a_subscription_to_changes_ends_as_others_do() {
    let store = ReactonStore::new();
    let log = Log::new();
    let subscribe = || {
        let heard = log.clone();
        store.subscribe_changes(&ROWS, move |_, changes| heard.push(changes.len()))
    };
    let (ended, scoped) = (subscribe(), subscribe().scoped());
    let _kept_by_the_store = subscribe();
    ended.unsubscribe();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    assert_eq!(log.take(), [1, 1]);
    drop(scoped);
    store.update(&ROWS, |rows| rows.insert(2, row("two")));
    assert_eq!(log.take(), [1]);
    store.remove(&ROWS);
    store.update(&ROWS, |rows| rows.insert(3, row("three")));
    assert_eq!((log.take(), store.with(&ROWS, ReactonMap::len)), (vec![], 1));
    store.dispose();
    assert!(store.with(&ROWS, ReactonMap::is_empty));
    store.subscribe_changes(&ROWS, |_, _| ()).unsubscribe();
}

#[test]
fn c2_sets_and_counters_report_their_changes_too() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (chosen, done) = (log.clone(), log.clone());
    store.subscribe_changes(&CHOSEN, move |_, changes| chosen.push(format!("{changes:?}")));
    store.subscribe_changes(&DONE, move |_, changes| done.push(format!("{changes:?}")));
    store.batch(|store| {
        store.update(&CHOSEN, |chosen| chosen.insert(7));
        store.update(&DONE, |done| done.add(1));
        store.update(&DONE, |done| done.add(2));
        store.set(&TITLE, "chosen".into());
    });
    store.set(&CHOSEN, ReactonSet::new());
    assert_eq!(
        log.take(),
        [
            "[Added { key: 7, new: () }]",
            "[Replaced { key: (), old: 0, new: 3 }]",
            "[Removed { key: 7, old: () }]"
        ]
    );
}
