//! C16: what is written together arrives together, once.

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::Log;
use reacton_support::wait_until;

use crate::{DONE, ROWS, Row, TAGS, TITLE, end, expected, insert, row, rows, spawn};

#[test]
fn c16_rows_and_values_of_a_batch_arrive_as_one() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    let log = Log::new();
    let seen = log.clone();
    below.effect(move |cx| {
        seen.push((cx.with(&ROWS, ReactonMap::len), cx.get(&TITLE), cx.get(&DONE).value()));
    });
    let before = worker.stats();
    store.batch(|store| {
        insert(store, 2, "two");
        store.set(&TITLE, "title".into());
        insert(store, 3, "three");
        store.update(&DONE, |done| done.add(2));
    });
    simulation.settle();
    assert_eq!(log.take(), [(1, String::new(), 0), (3, "title".to_owned(), 2)]);
    let stats = worker.stats();
    assert_eq!(stats.transactions_sent - before.transactions_sent, 1);
    assert_eq!(stats.changes_sent - before.changes_sent, 3);
}

#[test]
fn c16_observers_of_changes_and_of_entries_are_called_for_what_arrives() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let (changes, entries) = (Log::new(), Log::new());
    let (heard, seen) = (changes.clone(), entries.clone());
    below.subscribe_changes(&ROWS, move |_, changes| {
        heard.push(changes.iter().map(|change| *change.key()).collect::<Vec<_>>());
    });
    below.subscribe(&ROWS.at(2), move |_, row: &Option<Row>| seen.push(row.is_some()));
    store.update(&ROWS, |rows| {
        rows.insert(3, row("three"));
        rows.insert(2, row("two"));
    });
    simulation.settle();
    store.update(&ROWS, |rows| rows.insert(3, row("more")));
    simulation.settle();
    store.update(&ROWS, |rows| rows.remove(&2));
    simulation.settle();
    assert_eq!(changes.take(), [vec![2, 3], vec![3], vec![2]]);
    assert_eq!(entries.take(), [true, false]);
    // In that store the value is equal, so it is not a change.
    store.update(&ROWS, |rows| rows.insert(3, row("more")));
    simulation.settle();
    assert_eq!(changes.take(), Vec::<Vec<u64>>::new());
}

#[test]
fn c16_observers_of_a_counter_are_called_for_what_arrives() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_one, first) = spawn(&simulation, &store, Delivery::Every);
    let (_two, second) = spawn(&simulation, &store, Delivery::Latest);
    let (values, changes) = (Log::new(), Log::new());
    let (seen, heard) = (values.clone(), changes.clone());
    store.effect(move |cx| seen.push(cx.get(&DONE).value()));
    second.subscribe_changes(&DONE, move |_, changes| {
        for change in changes {
            heard.push((change.old().copied(), change.new().copied()));
        }
    });
    let total = store.fold(&DONE, 0, |total, change| {
        total + change.new().unwrap_or(&0) - change.old().unwrap_or(&0)
    });
    assert_eq!((store.get(&total), values.take()), (0, vec![0]));
    first.update(&DONE, |done| done.add(3));
    simulation.settle();
    first.update(&DONE, |done| done.set(10));
    simulation.settle();
    assert_eq!((store.get(&total), values.take()), (10, vec![3, 10]));
    assert_eq!(changes.take(), [(Some(0), Some(3)), (Some(3), Some(10))]);
    // What does not change the value calls no observer.
    first.update(&DONE, |done| done.set(10));
    simulation.settle();
    assert_eq!((values.take(), changes.take()), (Vec::new(), Vec::new()));
}

#[test]
fn c16_arriving_edits_are_forwarded_and_never_sent_back() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (one, first) = spawn(&simulation, &store, Delivery::Every);
    let (other, second) = spawn(&simulation, &store, Delivery::Every);
    insert(&first, 5, "five");
    simulation.settle();
    assert_eq!(rows(&second), expected(&[(1, "declared"), (5, "five")]));
    assert_eq!((one.stats().changes_sent, other.stats().changes_sent), (0, 1));
    // An entry that loses is not sent on: the second store wrote later than the entry that it is about to receive.
    insert(&second, 6, "second");
    insert(&first, 6, "first");
    simulation.settle();
    assert_eq!(rows(&first), rows(&second));
    assert_eq!(rows(&store), rows(&second));
    let sent = one.stats().changes_sent + other.stats().changes_sent;
    assert!(sent == 2 || sent == 3, "{sent}");
}

#[worker(shared = [in ROWS, out TAGS])]
fn directed(store: &ReactonStore) {
    store.subscribe(&ROWS, |store, rows| {
        store.update(&TAGS, |tags| {
            tags.extend(rows.values().map(|row| row.name.clone()));
        });
    });
}

#[test]
fn c16_a_direction_refuses_edits_of_the_other_side_and_nothing_else() {
    let store = ReactonStore::new();
    let worker = directed::spawn(&store).expect("the worker starts");
    insert(&store, 2, "two");
    wait_until(&store, |store| store.with(&TAGS, |tags| tags.contains("two")));
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.update(&TAGS, |tags| tags.insert("three".into()));
    }));
    assert!(refused.is_err());
    assert_eq!(store.with(&TAGS, ReactonSet::len), 2);
    end(worker);
}

#[test]
fn c16_a_collection_is_stale_if_an_edit_of_it_waits() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    assert!(!below.is_stale(&ROWS));
    insert(&store, 2, "two");
    assert!(below.is_stale(&ROWS) && !below.is_stale(&TAGS));
    simulation.settle();
    assert!(!below.is_stale(&ROWS));
}

#[test]
fn c16_edits_that_have_lost_are_not_forwarded() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_one, first) = spawn(&simulation, &store, Delivery::Every);
    let (other, second) = spawn(&simulation, &store, Delivery::Every);
    for name in ["a", "b", "c"] {
        insert(&store, 1, name);
    }
    let before = other.stats().bytes_sent;
    // Written without knowledge of that, with an older version.
    first.update(&ROWS, |rows| {
        rows.insert(1, row(&"long".repeat(1000)));
        rows.insert(2, row("two"));
    });
    simulation.settle();
    assert!(other.stats().bytes_sent - before < 100, "more than the row that won was sent");
    assert_eq!(rows(&second), expected(&[(1, "c"), (2, "two")]));
    assert_eq!((rows(&first), rows(&store)), (rows(&second), rows(&second)));
}
