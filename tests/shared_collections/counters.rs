//! C15 and C19 for counters: workers that end and begin, one after the other.

use std::time::Duration;

use reacton::collections::{Merge, Which};
use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::restart_always;

use crate::{DONE, TITLE, end, spawn};

/// The records of a counter in a store: one for each number under which somebody has added to it.
fn records(store: &ReactonStore) -> usize {
    let mut count = 0;
    store.with(&DONE, |done| done.show(Which::All, &mut |_, _| count += 1));
    count
}

#[test]
fn c19_a_counter_has_no_record_of_each_worker_that_ever_was() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    // It keeps the records apart: they become one when nothing is shared any more.
    let (_worker, beside) = spawn(&simulation, &store, Delivery::Every);
    let mut added = 0;
    for round in 0..20 {
        let (first, one) = spawn(&simulation, &store, Delivery::Every);
        let (second, other) = spawn(&simulation, &store, Delivery::Latest);
        let (nested, below) = spawn(&simulation, &one, Delivery::Every);
        for writer in [&one, &other, &below, &one, &below] {
            added += 1;
            writer.update(&DONE, |done| done.add(1));
        }
        simulation.settle();
        for reader in [&store, &beside, &one, &other, &below] {
            assert_eq!((reader.get(&DONE).value(), records(reader)), (added, 3), "round {round}");
        }
        drop((one, other, below));
        // A worker that ends without a word leaves a seat, too, and what is below it ends with it.
        if round % 2 == 0 {
            end(nested);
            end(first);
            end(second);
        } else {
            drop((second, first, nested));
        }
        simulation.settle();
    }
    beside.update(&DONE, |done| done.add(1));
    simulation.settle();
    assert_eq!((store.get(&DONE).value(), records(&store)), (added + 1, 4));
}

#[test]
fn c15_what_a_worker_has_added_before_it_was_restarted_counts() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_beside, beside) = spawn(&simulation, &store, Delivery::Latest);
    let builder = IsolateStore::builder().shared(shared![DONE, TITLE]);
    let worker = builder
        .restart(restart_always())
        .spawn(&store, |store: &ReactonStore| {
            store.subscribe(&TITLE, |store, _| {
                store.update(&DONE, |done| done.add(1));
            });
            store.subscribe(&TITLE, |_, title| assert!(!title.starts_with("panic")));
        })
        .expect("the worker starts");
    for round in 0..30 {
        let title = if round % 3 == 2 { "panic" } else { "go on" };
        store.set(&TITLE, format!("{title} {round}"));
        simulation.settle();
        simulation.advance(Duration::from_secs(60));
        simulation.settle();
    }
    // What an observer has added before another one panics is sent before the worker ends.
    for reader in [&store, &beside] {
        assert_eq!((reader.get(&DONE).value(), records(reader)), (30, 1));
    }
    drop(worker);
}
