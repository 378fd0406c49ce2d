//! `reacton::testing`: isolates without threads, for tests of users, and for our own tests that need an exact schedule.

#[path = "testing/actors.rs"]
mod actors;
#[path = "testing/ending.rs"]
mod ending;
#[path = "testing/hosts.rs"]
mod hosts;
#[path = "testing/roads.rs"]
mod roads;
#[path = "testing/time.rs"]
mod time;

use std::sync::mpsc::channel;
use std::time::Duration;

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use reacton::prelude::*;
use reacton::testing::{Simulation, repeats, version};

#[reacton]
static INPUT: u32 = 0;

#[reacton]
static SQUARE: u32 = 0;

#[reacton]
static OTHER: u32 = 0;

#[worker(shared = [INPUT, SQUARE])]
fn square(store: &ReactonStore) {
    store.watch(&INPUT, |store, n| store.set(&SQUARE, n * n));
}

/// A worker that spawns a worker.
#[worker(shared = [INPUT, SQUARE])]
fn overseer(store: &ReactonStore) {
    square::spawn(store).expect("the worker starts").detach();
}

#[worker(shared = [INPUT])]
fn frail(store: &ReactonStore) {
    store.subscribe(&INPUT, |_, n| assert!(*n < 3, "{n} is too much"));
}

#[worker(shared = [INPUT])]
fn patient(store: &ReactonStore, wanted: u32) {
    store
        .run_until(Duration::from_secs(1), |store| store.get(&INPUT) == wanted)
        .expect("the condition becomes true");
    store.set(&INPUT, wanted + 1);
}

#[worker(shared = [INPUT])]
async fn endless(store: ReactonStore) {
    loop {
        store.turn().await;
    }
}

/// Returns what main held of `SQUARE` at each of its writes, in the schedule of this seed.
fn held(seed: u64) -> Vec<u32> {
    let simulation = Simulation::new(seed);
    let store = ReactonStore::new();
    let _first = square::spawn(&store).expect("the worker starts");
    let _second = overseer::spawn(&store).expect("the worker starts");
    let held = (1..20).map(|n| {
        store.set(&INPUT, n);
        simulation.step();
        simulation.step();
        store.get(&SQUARE)
    });
    let held = held.collect();
    simulation.settle();
    assert_eq!(store.get(&SQUARE), 361, "seed {seed}");
    held
}

#[test]
fn a_seed_decides_the_schedule_and_other_seeds_have_other_schedules() {
    let schedules: Vec<_> = (0..20).map(held).collect();
    assert_eq!(schedules, (0..20).map(held).collect::<Vec<_>>());
    assert!(schedules.iter().any(|schedule| *schedule != schedules[0]));
}

#[test]
fn nothing_happens_outside_of_steps() {
    let simulation = Simulation::new(7);
    assert_eq!(simulation.seed(), 7);
    let store = ReactonStore::new();
    let _worker = square::spawn(&store).expect("the worker starts");
    store.set(&INPUT, 3);
    assert_eq!((store.pump(), store.get(&SQUARE)), (0, 0));
    assert!(simulation.settle() > 2 && !simulation.step());
    assert_eq!(store.get(&SQUARE), 9);
    let worker = simulation.workers().pop().expect("the simulation has a worker");
    assert_eq!(version(&worker, &SQUARE), version(&store, &SQUARE));
    assert_eq!((repeats(&store), repeats(&worker)), (0, 0));
}

#[test]
fn what_fails_on_a_thread_fails_here() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let worker = frail::spawn(&store).expect("the worker starts");
    store.set(&INPUT, 2);
    simulation.settle();
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    store.set(&INPUT, 3);
    simulation.settle();
    let IsolateStatus::Failed { message, location, .. } = store.get(worker.status()) else {
        panic!("{:?}", store.get(worker.status()));
    };
    assert_eq!(message, "3 is too much");
    assert!(location.is_some_and(|location| location.starts_with(file!())));
    assert!(simulation.workers().is_empty());
}

#[test]
fn a_store_that_waits_steps_the_others() {
    let simulation = Simulation::new(2);
    let store = ReactonStore::new();
    let worker = patient::spawn(&store, 1).expect("the worker starts");
    store.set(&INPUT, 1);
    simulation.settle();
    assert_eq!(store.get(&INPUT), 2);
    let deep = overseer::spawn(&store).expect("the worker starts");
    store.set(&INPUT, 4);
    deep.shutdown(Duration::from_secs(1)).expect("the worker ends, and its own worker with it");
    assert_eq!(store.get(&SQUARE), 16);
    worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
    assert!(simulation.workers().is_empty());
}

#[test]
fn an_async_worker_that_takes_turns_for_ever_is_polled_when_it_is_woken() {
    let simulation = Simulation::new(3);
    let store = ReactonStore::new();
    let worker = endless::spawn(&store).expect("the worker starts");
    store.set(&INPUT, 1);
    simulation.settle();
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    let stores = simulation.workers();
    assert_eq!(stores[0].get(&INPUT), 1);
    drop(worker);
    simulation.settle();
    assert!(simulation.workers().is_empty());
}

#[test]
fn dropping_a_simulation_ends_its_workers_and_makes_room_for_the_next() {
    let store = ReactonStore::new();
    let simulation = Simulation::new(4);
    let worker = square::spawn(&store).expect("the worker starts");
    drop(simulation);
    store.pump();
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    let simulation = Simulation::new(5);
    let _worker = square::spawn(&store).expect("the worker starts");
    assert_eq!(simulation.workers().len(), 1);
}

#[test]
#[should_panic(expected = "one simulation at a time")]
fn a_thread_runs_one_simulation_at_a_time() {
    let _first = Simulation::new(0);
    let _second = Simulation::new(1);
}

/// Returns main, a worker that shares `INPUT` and `OTHER`, and the worker's store.
fn linked(delivery: Delivery) -> (Simulation, ReactonStore, IsolateStore, ReactonStore) {
    let simulation = Simulation::new(6);
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![INPUT, OTHER]).delivery(delivery);
    let isolate = builder.spawn(&store, |_| ()).expect("the worker starts");
    simulation.settle();
    let worker = simulation.workers().pop().expect("the simulation has a worker");
    (simulation, store, isolate, worker)
}

#[test]
fn i6_what_a_worker_pauses_stops_at_once_and_what_it_resumes_brings_what_is_newer() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let (simulation, store, isolate, worker) = linked(delivery);
        let main = MainLink::of(&worker).expect("the store belongs to a worker");
        store.batch(|store| {
            store.set(&INPUT, 1);
            store.set(&OTHER, 1);
        });
        main.pause(&INPUT);
        simulation.settle();
        assert_eq!(
            (worker.get(&INPUT), worker.get(&OTHER)),
            (0, 1),
            "the queued value of a paused reacton was applied"
        );
        let before = isolate.stats().changes_sent;
        store.set(&INPUT, 2);
        assert_eq!(isolate.stats().changes_sent, before, "main has sent a paused reacton");
        main.resume(&INPUT);
        simulation.settle();
        assert_eq!(worker.get(&INPUT), 2);
        assert_eq!(version(&worker, &INPUT), version(&store, &INPUT));
    }
}

#[test]
fn i6_what_a_worker_has_paused_it_goes_on_sending() {
    let (simulation, store, _isolate, worker) = linked(Delivery::Every);
    MainLink::of(&worker).expect("the store belongs to a worker").pause(&INPUT);
    worker.set(&INPUT, 5);
    simulation.settle();
    assert_eq!(store.get(&INPUT), 5);
}

#[test]
fn i6_only_a_worker_has_a_link_to_main() {
    let (simulation, store, isolate, worker) = linked(Delivery::Every);
    assert!(MainLink::of(&store).is_none());
    let main = MainLink::of(&worker).expect("the store belongs to a worker");
    drop(isolate);
    simulation.settle();
    assert!(MainLink::of(&worker).is_none());
    main.pause(&INPUT); // does nothing any more
}

#[test]
fn l2_what_main_answers_after_a_drain_stays_in_main() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let (tell, told) = channel();
        let worker = IsolateStore::spawn(&store, shared![INPUT, SQUARE], move |store| {
            store.subscribe(&INPUT, move |_, n| tell.send(*n).expect("the channel is open"));
            // Its worker answers late, and keeps this worker from ending.
            square::spawn(store).expect("the worker starts").detach();
        });
        let worker = worker.expect("the worker starts");
        simulation.settle();
        store.subscribe(&SQUARE, |store, _| store.set(&INPUT, 100));
        store.set(&INPUT, 3);
        worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
        assert_eq!((store.get(&SQUARE), store.get(&INPUT)), (9, 100), "seed {seed}");
        assert_eq!(told.iter().collect::<Vec<_>>(), [3], "seed {seed}");
    }
}

/// Takes one turn, and ends.
#[worker(shared = [INPUT, SQUARE])]
async fn one_turn(store: ReactonStore) {
    store.turn().await;
    store.set(&SQUARE, store.get(&INPUT) * store.get(&INPUT));
}

#[test]
fn an_async_worker_that_yields_is_polled_again() {
    for seed in 0..20 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = one_turn::spawn(&store).expect("the worker starts");
        // More values than one poll applies.
        (1..=200).for_each(|n| store.set(&INPUT, n));
        assert_eq!(worker.shutdown(Duration::from_secs(60)), Ok(()), "seed {seed}");
        assert_eq!(store.get(&SQUARE), 40_000, "seed {seed}");
        drop(simulation);
    }
}

/// As the guide shows it for long work.
#[worker(shared = [INPUT, SQUARE])]
fn busy(store: &ReactonStore) {
    while !store.is_disposed() {
        store.update(&SQUARE, |square| *square += store.get(&INPUT));
        store.wait(Duration::from_millis(1));
    }
}

#[test]
fn a_worker_with_a_loop_of_its_own_fails_with_the_message_that_it_needs_a_thread() {
    for seed in 0..10 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = busy::spawn(&store).expect("the worker starts");
        simulation.settle();
        let status = store.get(worker.status());
        let IsolateStatus::Failed { message, .. } = status else { panic!("{status:?}") };
        assert!(message.contains("needs a thread"), "{message}");
    }
}

#[test]
fn awaiting_in_main_steps_the_workers() {
    for seed in 0..50 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        block_on(async {
            let worker = square::spawn_async(&store).await.expect("the worker starts");
            store.set(&INPUT, 3);
            while store.get(&SQUARE) != 9 {
                assert!(store.turn().await > 0, "seed {seed}");
            }
            let mut squares = store.changes(&SQUARE);
            store.set(&INPUT, 4);
            assert_eq!(squares.next().await, Some(16), "seed {seed}");
            store.set(&INPUT, 5);
            assert_eq!(worker.shutdown_async().await, Ok(()), "seed {seed}");
            assert_eq!(store.get(&SQUARE), 25, "seed {seed}");
            let pool =
                square::builder().pool(3).spawn_async(&store).await.expect("the pool starts");
            store.set(&INPUT, 6);
            assert_eq!(pool.shutdown_async().await, Ok(()), "seed {seed}");
            assert_eq!(store.get(&SQUARE), 36, "seed {seed}");
        });
        assert!(simulation.workers().is_empty());
    }
}
