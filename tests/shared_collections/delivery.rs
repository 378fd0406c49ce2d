//! C17 and C19: receivers that fall behind or pause, and removals that are forgotten.

use reacton::collections::Merge;
use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton::testing::sweep;
use reacton_support::Log;

use crate::{DONE, ROWS, expected, insert, rows, spawn};

#[test]
fn c17_under_latest_one_record_of_each_entry_waits() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Latest);
    let log = Log::new();
    let heard = log.clone();
    below.subscribe_changes(&ROWS, move |_, changes| heard.push(changes.len()));
    for number in 0..1000 {
        insert(&store, number % 10, &number.to_string());
        store.update(&DONE, |done| done.add(1));
    }
    store.update(&ROWS, |rows| rows.remove(&3));
    assert_eq!(worker.stats().queued, 1);
    simulation.settle();
    assert_eq!(rows(&below), rows(&store));
    assert_eq!((log.take(), below.get(&DONE).value()), (vec![9], 1000));
    store.update(&ROWS, ReactonMap::clear);
    insert(&store, 4, "four");
    simulation.settle();
    assert_eq!(rows(&below), expected(&[(4, "four")]));
}

#[test]
fn c17_resume_brings_the_entries_that_were_missed_and_no_others() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (worker, below) = spawn(&simulation, &store, delivery);
        for key in 10..1000 {
            insert(&store, key, "many");
        }
        simulation.settle();
        // One entry is sent before the other side knows of the pause, and one after it.
        insert(&below, 2, "on its way");
        worker.pause(&ROWS);
        simulation.settle();
        insert(&below, 3, "not sent");
        below.update(&ROWS, |rows| rows.remove(&10));
        insert(&store, 4, "sent");
        simulation.settle();
        assert_eq!((store.get(&ROWS.at(2)), store.get(&ROWS.at(3))), (None, None));
        assert!(store.get(&ROWS.at(10)).is_some() && below.get(&ROWS.at(4)).is_some());
        let before = worker.stats().bytes_received;
        worker.resume(&ROWS);
        simulation.settle();
        assert_eq!(rows(&store), rows(&below));
        assert!(
            worker.stats().bytes_received - before < 100,
            "more than the missed changes was sent"
        );
        below.update(&ROWS, ReactonMap::clear);
        worker.pause(&ROWS);
        simulation.settle();
        worker.resume(&ROWS);
        simulation.settle();
        assert_eq!((rows(&store), rows(&below)), (Vec::new(), Vec::new()));
    }
}

#[test]
fn c19_removals_are_forgotten_when_every_store_has_them() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    let (_other, beside) = spawn(&simulation, &store, Delivery::Latest);
    let removals = |store: &ReactonStore| store.with(&ROWS, Merge::removals);
    for key in 10..20 {
        insert(&below, key, "short");
        below.update(&ROWS, |rows| rows.remove(&key));
    }
    simulation.settle();
    assert_eq!([&store, &below, &beside].map(removals), [10, 10, 10]);
    worker.pause(&ROWS);
    sweep(&store);
    simulation.settle();
    assert_eq!(removals(&store), 10, "a removal in a paused collection was forgotten");
    worker.resume(&ROWS);
    simulation.settle();
    sweep(&store);
    simulation.settle();
    assert_eq!([&store, &below, &beside].map(removals), [0, 0, 0]);
    // When there are many removals, a round begins by itself.
    for key in 0..400 {
        insert(&beside, key, "short");
        simulation.settle();
        beside.update(&ROWS, |rows| rows.remove(&key));
        simulation.settle();
    }
    assert!([&store, &below, &beside].map(removals).iter().all(|left| *left < 260));
    assert_eq!((rows(&store), rows(&below)), (rows(&beside), rows(&beside)));
}
