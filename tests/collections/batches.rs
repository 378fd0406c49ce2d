//! C3: batches, snapshots and undo.

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{DONE, ROWS, TITLE, log_changes, row};

#[test]
fn c3_a_batch_that_puts_everything_back_is_no_change() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    let (log, runs) = (log_changes(&store), Log::new());
    let ran = runs.clone();
    store.effect(move |cx| ran.push(cx.with(&ROWS, ReactonMap::len)));
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(2, row("two")));
        assert_eq!(store.with(&ROWS, ReactonMap::len), 2);
        store.update(&ROWS, |rows| rows.remove(&1));
        store.update(&ROWS, |rows| rows.insert(1, row("one")));
        store.update(&ROWS, |rows| rows.remove(&2));
    });
    assert_eq!((log.take(), runs.take()), (vec![], vec![1]));
}

#[test]
fn c3_a_batch_commits_what_it_wrote_before_it_panicked() {
    let store = ReactonStore::new();
    let log = log_changes(&store);
    panic_of(|| {
        store.batch(|store| {
            store.update(&ROWS, |rows| rows.insert(1, row("one")));
            store.update(&ROWS, |rows| {
                rows.insert(2, row("two"));
                panic!("broken on purpose");
            })
        });
    });
    assert_eq!(log.take(), [["+1 one", "+2 two"]]);
    store.update(&ROWS, |rows| rows.remove(&1));
    assert_eq!(log.take(), [["-1 one"]]);
}

#[test]
fn c3_computeds_see_each_write_of_an_open_batch() {
    let store = ReactonStore::new();
    let names = store.computed(|cx| {
        cx.with(&ROWS, |rows| rows.values().map(|row| row.name.clone()).collect::<String>())
    });
    let first = store.computed(|cx| cx.get(&ROWS.at(1)).map(|row| row.name));
    assert_eq!((store.get(&names), store.get(&first)), (String::new(), None));
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(1, row("a")));
        assert_eq!((store.get(&names), store.get(&first)), ("a".into(), Some("a".into())));
        store.update(&ROWS, |rows| rows.insert(1, row("b")));
        assert_eq!((store.get(&names), store.get(&first)), ("b".into(), Some("b".into())));
        store.update(&ROWS, |rows| rows.remove(&1));
        assert_eq!((store.get(&names), store.get(&first)), (String::new(), None));
    });
}

#[test]
fn c3_restore_changes_only_the_entries_that_differ() {
    let store = ReactonStore::new();
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.extend((0..100).map(|key| (key, row("old")))));
        store.update(&DONE, |done| done.add(3));
        store.set(&TITLE, "old".into());
    });
    let before = store.snapshot();
    store.batch(|store| {
        store.update(&ROWS, |rows| {
            (rows.insert(7, row("new")), rows.remove(&9), rows.insert(200, row("added")))
        });
        store.update(&DONE, |done| done.add(1));
    });
    let after = store.snapshot();
    assert_eq!(before.diff(&after), [DONE.reacton_ref(), ROWS.reacton_ref()]);
    let log = log_changes(&store);
    store.restore(&before);
    assert_eq!(log.take(), [["7 new old", "+9 old", "-200 added"]]);
    assert_eq!((store.get(&DONE).value(), store.snapshot().diff(&before)), (3, vec![]));
    store.restore(&after);
    assert_eq!(log.take(), [["7 old new", "-9 old", "+200 added"]]);
    // A snapshot from before the first use of the map, and a restore into a store that has not used it.
    store.restore(&ReactonStore::new().snapshot());
    assert!(store.with(&ROWS, ReactonMap::is_empty));
    let other = ReactonStore::new();
    other.restore(&after);
    let here = log_changes(&other);
    other.update(&ROWS, |rows| rows.remove(&200));
    store.update(&ROWS, |rows| rows.insert(1, row("elsewhere")));
    assert_eq!(here.take(), [["-200 added"]]);
}

#[test]
fn c3_a_snapshot_equals_a_later_one_if_an_update_restores_its_value() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    let before = store.snapshot();
    store.update(&ROWS, |rows| rows.insert(1, row("two")));
    assert_eq!(before.get(&ROWS).and_then(|rows| rows.get(&1)), Some(&row("one")));
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    assert!(before.diff(&store.snapshot()).is_empty());
}

#[test]
fn c3_a_reacton_that_is_removed_begins_anew() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    let entry = Log::new();
    let heard = entry.clone();
    store.subscribe(&ROWS.at(1), move |_, row| heard.push(row.is_some()));
    store.remove(&ROWS);
    assert_eq!(store.get(&ROWS.at(1)), None);
    let log = log_changes(&store);
    store.update(&ROWS, |rows| rows.insert(1, row("one")));
    assert_eq!((log.take(), entry.take()), (vec![vec!["+1 one".to_owned()]], vec![]));
    assert!(store.get(&ROWS.at(1)).is_some());
}
