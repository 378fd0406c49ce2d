//! C22: queued writes of a single entry.

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::Log;

use crate::{DONE, ROWS, Row, TAGS, expected, insert, row, rows, spawn};

#[test]
fn c22_an_entry_is_stale_if_a_newer_write_of_it_waits() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (_worker, below) = spawn(&simulation, &store, delivery);
        let stale = |keys: [u64; 3]| keys.map(|key| below.is_stale(&ROWS.at(key)));
        assert_eq!(stale([1, 2, 3]), [false; 3]);
        insert(&store, 2, "two");
        store.update(&TAGS, |tags| tags.insert("red".into()));
        assert_eq!(stale([1, 2, 3]), [false, true, false]);
        store.update(&ROWS, |rows| rows.remove(&1));
        assert_eq!(stale([1, 2, 3]), [true, true, false]);
        assert!(below.is_stale(&TAGS.at("red".into())) && !below.is_stale(&TAGS.at("blue".into())));
        simulation.settle();
        assert_eq!(stale([1, 2, 3]), [false; 3]);
        // A reset changes only entries that exist.
        store.update(&ROWS, ReactonMap::clear);
        assert_eq!(stale([1, 2, 3]), [false, true, false]);
        simulation.settle();
        assert!(rows(&below).is_empty() && stale([1, 2, 3]) == [false; 3]);
    }
}

#[test]
fn c22_an_entry_is_not_stale_if_what_waits_loses_or_is_paused() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (_worker, below) = spawn(&simulation, &store, delivery);
        for name in ["a", "b", "c"] {
            insert(&below, 2, name);
        }
        insert(&store, 2, "older");
        assert!(!below.is_stale(&ROWS.at(2)) && below.incoming(&ROWS.at(2)).is_none());
        MainLink::of(&below).expect("the store belongs to a worker").pause(&ROWS);
        insert(&store, 3, "paused");
        assert!(!below.is_stale(&ROWS.at(3)) && below.incoming(&ROWS).is_none());
    }
}

#[test]
fn c22_observers_of_a_stale_entry_are_called_though_it_comes_out_equal() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let log = Log::new();
    for key in [1, 2] {
        let heard = log.clone();
        below
            .subscribe(&ROWS.at(key), move |_, row: &Option<Row>| heard.push((key, row.is_some())));
    }
    store.update(&ROWS, |rows| rows.insert(1, row("other")));
    store.update(&ROWS, |rows| rows.insert(1, row("declared")));
    insert(&store, 2, "two");
    assert!(below.is_stale(&ROWS.at(1)));
    simulation.settle();
    let calls = log.take();
    assert!(calls.contains(&(1, true)) && calls.contains(&(2, true)), "{calls:?}");
    let equal = |name: &str| {
        store.update(&ROWS, |rows| rows.extend([(1, row("declared")), (2, row(name))]));
    };
    equal("more");
    assert!(below.is_stale(&ROWS.at(1)));
    simulation.settle();
    assert_eq!(log.take(), [(2, true), (1, true)]);
    equal("two");
    simulation.settle();
    assert_eq!(log.take(), [(2, true)]);
}

#[test]
fn c22_incoming_is_the_collection_as_it_would_be_and_the_entry_in_it() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (_worker, below) = spawn(&simulation, &store, delivery);
        insert(&below, 7, "seven");
        insert(&store, 2, "two");
        insert(&store, 2, "zwei");
        store.update(&ROWS, |rows| rows.remove(&1));
        store.update(&DONE, |done| done.add(3));
        let incoming = below.incoming(&ROWS).expect("edits are queued");
        assert_eq!(
            incoming.iter().map(|(key, row)| (*key, row.name.clone())).collect::<Vec<_>>(),
            expected(&[(2, "zwei"), (7, "seven")])
        );
        assert_eq!(below.incoming(&ROWS.at(2)), Some(Some(row("zwei"))));
        assert_eq!(below.incoming(&ROWS.at(1)), Some(None), "the row will be removed");
        assert_eq!((below.incoming(&ROWS.at(7)), below.incoming(&ROWS.at(8))), (None, None));
        assert_eq!(below.incoming(&DONE).map(|done| done.value()), Some(3));
        assert!(below.incoming(&TAGS).is_none());
        assert_eq!(rows(&below), expected(&[(1, "declared"), (7, "seven")]), "nothing is applied");
        simulation.settle();
        assert_eq!(Some(below.get(&ROWS)), Some(incoming));
    }
}

#[reacton]
static QUEUE: ReactonList<String> = ReactonList::new();

#[test]
fn c22_an_item_of_a_list_is_an_entry() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let ids = store.update(&QUEUE, |queue| ["a", "b"].map(|item| queue.push(item.into())));
    let worker = IsolateStore::spawn(&store, shared![QUEUE], |_| ()).expect("the worker starts");
    simulation.settle();
    let below = simulation.store_of(&worker).expect("the worker has begun");
    store.update(&QUEUE, |queue| queue.set(ids[0], "A".into()));
    assert_eq!(ids.map(|id| below.is_stale(&QUEUE.at(id))), [true, false]);
    assert_eq!(below.incoming(&QUEUE.at(ids[0])), Some(Some("A".into())));
    store.update(&QUEUE, |queue| queue.remove(1));
    assert_eq!(below.incoming(&QUEUE.at(ids[1])), Some(None));
    assert_eq!(below.incoming(&QUEUE).map(|queue| queue.len()), Some(1));
}

/// The parts of an item have versions of their own, and its removal removes them all.
#[test]
fn c22_the_removal_of_an_item_is_told_though_a_part_of_it_is_newer() {
    for moves in [false, true] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let ids = store.update(&QUEUE, |queue| ["a", "b"].map(|item| queue.push(item.into())));
        let worker =
            IsolateStore::spawn(&store, shared![QUEUE], |_| ()).expect("the worker starts");
        simulation.settle();
        let below = simulation.store_of(&worker).expect("the worker has begun");
        store.update(&QUEUE, |queue| queue.remove(0));
        for value in ["c", "d", "e"] {
            below.update(&QUEUE, |queue| {
                if moves { queue.move_to(0, 1) } else { queue.set(0, value.into()).is_some() }
            });
        }
        let id = ids[0];
        assert!(below.is_stale(&QUEUE.at(id)), "the item is going to be removed");
        assert_eq!(below.incoming(&QUEUE.at(id)), Some(None));
        simulation.settle();
        assert_eq!(below.get(&QUEUE.at(id)), None);
    }
}

#[test]
fn c22_a_closure_that_waits_may_change_each_entry() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let handle = below.handle();
    let reply = handle.update(&ROWS, |rows| drop(rows.insert(5, row("five"))));
    assert!(below.is_stale(&ROWS.at(5)) && below.is_stale(&ROWS.at(6)));
    assert_eq!(below.incoming(&ROWS.at(5)), None, "the row is not known before");
    drop(reply);
    simulation.settle();
    assert!(!below.is_stale(&ROWS.at(5)) && below.get(&ROWS.at(5)).is_some());
    handle.set(&ROWS, [(8, row("eight"))].into());
    assert_eq!(below.incoming(&ROWS).map(|rows| rows.len()), Some(1));
}

#[test]
fn c22_a_long_queue_is_listed_once() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    for round in 0..5_u64 {
        for key in 0..500 {
            insert(&store, 1000 * round + key, "many");
            assert!(below.is_stale(&ROWS.at(1000 * round + key)));
            assert!(!below.is_stale(&ROWS.at(1000 * round + key + 1)));
        }
        simulation.settle();
        assert!(!below.is_stale(&ROWS.at(1000 * round)));
    }
}
