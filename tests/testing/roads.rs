//! Workers of a simulation behind a road of bytes, as workers in processes are.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{TIMEOUT, restart_always};

#[reacton]
static ASKED: u32 = 0;

#[reacton]
static ANSWERED: u32 = 0;

/// Answers each number with the same number.
fn echo(store: &ReactonStore) {
    store.watch(&ASKED, |store, asked| store.set(&ANSWERED, *asked));
}

fn away(simulation: &Simulation, store: &ReactonStore, delivery: Delivery) -> IsolateStore {
    let builder = IsolateStore::builder().shared(shared![ASKED, ANSWERED]).delivery(delivery);
    let spawned = simulation.away(|| builder.restart(restart_always()).spawn(store, echo));
    spawned.expect("the worker starts")
}

#[test]
fn p3_a_process_of_a_simulation_that_is_killed_is_followed_by_one_with_the_values_of_main() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = away(&simulation, &store, Delivery::Every);
        store.set(&ASKED, 1);
        for _ in 0..simulation.pick(40) {
            simulation.step();
        }
        assert!(simulation.kill(&worker), "seed {seed}");
        assert!(!simulation.kill(&worker), "seed {seed}: a killed worker was killed again");
        store.set(&ASKED, 2);
        simulation.settle();
        assert_eq!((store.get(&ANSWERED), worker.stats().restarts), (2, 1), "seed {seed}");
        assert_eq!(worker.exit().map(|exit| exit.signal), Some(Some(9)), "seed {seed}");
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()), "seed {seed}");
    }
}

#[test]
fn i3_in_every_schedule_each_transaction_crosses_a_road_once_and_in_order() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&heard);
        store.subscribe(&ANSWERED, move |_, answer| log.borrow_mut().push(*answer));
        let worker = away(&simulation, &store, Delivery::Every);
        (1..=30).for_each(|number| {
            store.set(&ASKED, number);
            simulation.step();
        });
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()), "seed {seed}");
        let heard = heard.borrow();
        // The worker begins with the value that main holds by then.
        assert_eq!(heard.last(), Some(&30), "seed {seed}");
        assert!(heard.windows(2).all(|two| two[1] == two[0] + 1), "seed {seed}: {heard:?}");
    }
}

#[test]
fn i3_in_every_schedule_latest_is_merged_at_both_ends_of_a_road_and_its_count_comes_to_zero() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = away(&simulation, &store, Delivery::Latest);
        (1..=30).for_each(|number| store.set(&ASKED, number));
        simulation.settle();
        let stats = worker.stats();
        assert_eq!((store.get(&ANSWERED), stats.queued, stats.waiting), (30, 0, 0), "seed {seed}");
    }
}

#[test]
fn l1_a_worker_behind_a_road_ends_in_every_schedule_after_dispose() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = away(&simulation, &store, Delivery::Every);
        (1..=3).for_each(|number| store.set(&ASKED, number));
        for _ in 0..simulation.pick(40) {
            simulation.step();
        }
        worker.dispose();
        let held = store.get(&ANSWERED);
        simulation.settle();
        assert_eq!((store.get(&ANSWERED), simulation.workers().len()), (held, 0), "seed {seed}");
        assert_eq!(store.get(worker.status()), IsolateStatus::Disposed, "seed {seed}");
    }
}

#[test]
fn l6_a_spawn_over_a_road_that_is_dropped_calls_no_function() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let builder = IsolateStore::builder().shared(shared![ANSWERED]);
        let spawning = simulation
            .away(|| builder.spawn_async(&store, |store: &ReactonStore| store.set(&ANSWERED, 1)));
        for _ in 0..simulation.pick(40) {
            simulation.step();
        }
        drop(spawning);
        simulation.settle();
        assert_eq!((store.get(&ANSWERED), simulation.workers().len()), (0, 0), "seed {seed}");
    }
}
