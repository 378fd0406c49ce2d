//! C17 and C19: receivers that fall behind or pause, and removals that are forgotten.

use reacton::collections::Merge;
use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton::testing::sweep;
use reacton_support::Log;

use crate::{DONE, ROWS, TAGS, expected, insert, row, rows, spawn};

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
fn c17_under_latest_the_newest_of_puts_and_removals_of_an_entry_waits() {
    for away in [false, true] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let spawn = || spawn(&simulation, &store, Delivery::Latest);
        let (_worker, below) = if away { simulation.away(spawn) } else { spawn() };
        for (one, other) in [(&store, &below), (&below, &store)] {
            store.set(&ROWS, [(1, row("declared")), (2, row("two"))].into());
            simulation.settle();
            let log = Log::new();
            let heard = log.clone();
            let observer = other.subscribe_changes(&ROWS, move |_, changes| {
                heard.push(changes.iter().map(|change| *change.key()).collect::<Vec<_>>());
            });
            // Put and removed; removed and put; removed, put and removed; put twice.
            insert(one, 5, "short");
            one.update(&ROWS, |rows| rows.remove(&5));
            one.update(&ROWS, |rows| rows.remove(&1));
            insert(one, 1, "again");
            one.update(&ROWS, |rows| rows.remove(&2));
            insert(one, 2, "again");
            one.update(&ROWS, |rows| rows.remove(&2));
            insert(one, 3, "first");
            insert(one, 3, "three");
            simulation.settle();
            let all = expected(&[(1, "again"), (3, "three")]);
            assert_eq!((rows(one), rows(other)), (all.clone(), all));
            let calls = log.take();
            assert!(away || calls == [[1, 2, 3]], "{calls:?}");
            observer.unsubscribe();
            // The removal that waits is newer than a put of the other store, and older than the next one.
            insert(other, 6, "older");
            one.update(&DONE, |done| done.add(1));
            one.update(&TAGS, |tags| tags.insert("raises the clock".into()));
            one.update(&ROWS, |rows| rows.extend([(6, row("here")), (7, row("here"))]));
            one.update(&ROWS, |rows| {
                rows.remove(&6);
                rows.remove(&7);
            });
            (0..9).for_each(|_| other.update(&DONE, |done| done.add(1)));
            insert(other, 7, "newer");
            simulation.settle();
            let all = expected(&[(1, "again"), (3, "three"), (7, "newer")]);
            assert_eq!((rows(one), rows(other)), (all.clone(), all));
            // What is put behind a reset stays, and what was removed before it is gone.
            one.update(&ROWS, |rows| rows.remove(&1));
            one.update(&ROWS, ReactonMap::clear);
            insert(one, 1, "behind");
            simulation.settle();
            let all = expected(&[(1, "behind")]);
            assert_eq!((rows(one), rows(other)), (all.clone(), all));
        }
    }
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
