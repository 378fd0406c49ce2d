//! The statistics of a pool as a reacton.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::PoolStats;
use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{TIMEOUT, restart_always};

use crate::{JOB, RESULT, square};

#[test]
fn a_computed_of_the_progress_follows_jobs_that_write_nothing() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = builder.spawn(&store, |store| {
        store.subscribe(&JOB, |_, _| {});
    });
    let pool = pool.expect("the pool starts");
    let progress = *pool.progress();
    let left = store.computed(move |cx| cx.with(&progress, |jobs| jobs.given - jobs.done));
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.effect(move |cx| log.borrow_mut().push(cx.get(&left)));
    (1..=100).for_each(|n| store.set(&JOB, n));
    store
        .run_until(TIMEOUT, |store| store.get(&progress).done == 100)
        .expect("a change of the progress alone ends the wait");
    assert_eq!(store.get(&left), 0);
    assert_eq!(store.get(&progress), pool.stats());
    assert_eq!(heard.borrow().last(), Some(&0));
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn the_progress_includes_the_jobs_from_before_its_first_read() {
    let store = ReactonStore::new();
    let pool = square::builder().pool(1).spawn(&store).expect("the pool starts");
    (1..=3).for_each(|n| store.set(&JOB, n));
    store.run_until(TIMEOUT, |_| pool.stats().done == 3).expect("three jobs are done");
    // The statistics are first read by a computed, in the middle of its run.
    let pool = Rc::new(pool);
    let asking = Rc::clone(&pool);
    let done = store.computed(move |cx| cx.get(asking.progress()).done);
    assert_eq!(store.get(&done), 3);
    store.set(&JOB, 4);
    store.run_until(TIMEOUT, |store| store.get(&done) == 4).expect("the computed follows");
}

#[test]
fn in_every_schedule_the_progress_ends_as_the_statistics_do() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let builder =
            IsolateStore::builder().shared(shared![JOB, RESULT]).restart(restart_always());
        let pool = builder.pool(1 + simulation.pick(3)).spawn(&store, |store| {
            store.subscribe(&JOB, |store, n| {
                if n % 5 == 0 {
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                if n % 2 == 0 {
                    store.set(&RESULT, (*n, n * n));
                }
            });
        });
        let pool = pool.expect("the pool starts");
        let progress = *pool.progress();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&heard);
        store.subscribe(&progress, move |_, now| log.borrow_mut().push(*now));
        for n in 1..=20 {
            simulation.interleaved(|| store.set(&JOB, n));
            (0..simulation.pick(6)).for_each(|_| _ = simulation.step());
        }
        simulation.settle();
        let stats = pool.stats();
        assert_eq!((stats.done, stats.lost), (16, 4), "seed {seed}");
        assert_eq!(store.get(&progress), stats, "seed {seed}");
        let heard = heard.borrow();
        assert!(heard.is_sorted_by_key(|now| (now.given, now.done, now.lost)), "seed {seed}");
        let adds_up = heard.iter().all(|now| {
            let under_way = (now.waiting + now.at_work) as u64;
            // The job of a member that has panicked counts nowhere until main has decided what becomes of it.
            now.done + now.lost + under_way <= now.given
        });
        assert!(adds_up, "seed {seed}: {heard:?}");
    }
}

#[test]
fn observers_are_called_with_the_last_value_when_the_pool_is_dropped_and_it_reads_as_zeros() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let pool = square::builder().pool(1).spawn(&store).expect("the pool starts");
    let progress = *pool.progress();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(&progress, move |_, now| log.borrow_mut().push(*now));
    simulation.settle();
    store.set(&JOB, 1);
    drop(pool);
    let last = heard.borrow().last().copied().expect("the progress has changed");
    assert_eq!((last.given, last.done, last.waiting), (1, 0, 0), "the queued job was dropped");
    assert_eq!(store.get(&progress), PoolStats::default());
    simulation.settle();
}
