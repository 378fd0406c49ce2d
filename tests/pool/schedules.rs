//! Pools without threads, in hundreds of schedules.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{TIMEOUT, hide_panics_with, restart_always};

use crate::{JOB, RESULT, SETTING, results};

/// The payload of the panics that the schedules contain.
const PLANNED: &str = "a planned panic";

#[test]
fn in_a_simulation_every_schedule_does_every_job_once_though_workers_die() {
    hide_panics_with(PLANNED);
    for seed in 0..500 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let members = 1 + simulation.pick(4);
        let died = Arc::new(Mutex::new(BTreeSet::new()));
        let pool = builder
            .restart(restart_always())
            .pool(members)
            .for_all(shared![SETTING])
            .retries(1)
            .spawn(&store, move |store| {
                let died = Arc::clone(&died);
                store.subscribe(&JOB, move |store, n| {
                    assert!(store.get(&SETTING) >= n / 10, "a job has overtaken its setting");
                    if n.is_multiple_of(7)
                        && died.lock().expect("the mutex is not poisoned").insert(*n)
                    {
                        std::panic::panic_any(PLANNED);
                    }
                    store.set(&RESULT, (*n, n * n));
                });
            })
            .expect("the pool starts");
        for n in 1..=40 {
            if n % 10 == 0 {
                store.set(&SETTING, n / 10);
            }
            store.set(&JOB, n);
            for _ in 0..simulation.pick(6) {
                simulation.step();
            }
        }
        if simulation.pick(2) == 0 {
            simulation.settle();
        }
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()), "seed {seed}");
        let done: BTreeSet<_> = heard.borrow().iter().map(|(n, _)| *n).collect();
        assert_eq!(done, (1..=40).collect(), "seed {seed}");
        assert_eq!(heard.borrow().len(), 40, "seed {seed}");
        let stats = pool.stats();
        assert_eq!((stats.done, stats.retried, stats.lost), (40, 5, 0), "seed {seed}");
    }
}

#[test]
fn what_goes_to_all_of_a_pool_converges_though_a_member_writes_it() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let shared = shared![JOB, SETTING, RESULT];
        let builder = IsolateStore::builder().shared(shared).pool(2).for_all(shared![SETTING]);
        let pool = builder.spawn(&store, |store| {
            store.subscribe(&JOB, |store, n| {
                if *n < 10 {
                    store.set(&SETTING, *n);
                }
                store.set(&RESULT, (*n, store.get(&SETTING)));
            });
        });
        let _pool = pool.expect("the pool starts");
        store.set(&JOB, 1);
        store.set(&JOB, 2);
        (0..seed % 7).for_each(|_| _ = simulation.step());
        store.set(&SETTING, 30);
        store.set(&SETTING, 20);
        simulation.settle();
        // Now each member reports the values that it holds.
        let heard = results(&store);
        (10..20).for_each(|n| store.set(&JOB, n));
        simulation.settle();
        let setting = store.get(&SETTING);
        assert_eq!(heard.borrow().len(), 10, "seed {seed}");
        assert!(heard.borrow().iter().all(|(_, held)| *held == setting), "seed {seed}: {heard:?}");
    }
}

#[test]
fn in_a_simulation_no_job_vanishes_or_is_done_twice_though_members_are_disposed() {
    let mut lost_in_all = 0;
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let done = Arc::new(Mutex::new(Vec::new()));
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let log = Arc::clone(&done);
        let pool = builder.pool(4).for_all(shared![SETTING]).spawn(&store, move |store| {
            let log = Arc::clone(&log);
            store.subscribe(&JOB, move |store, n| {
                store.set(&RESULT, (*n, 0));
                log.lock().expect("the mutex is not poisoned").push(*n);
            });
        });
        let pool = Rc::new(pool.expect("the pool starts"));
        // An observer of main disposes one member, perhaps in the middle of a job.
        let (held, first) = (Rc::clone(&pool), Cell::new(true));
        store.subscribe(&RESULT, move |_, (n, _)| {
            if n % 4 == 0 && first.take() {
                held.members()[3].dispose();
            }
        });
        let disposed: Vec<_> =
            (0..2).map(|_| (1 + simulation.pick(20), simulation.pick(2))).collect();
        for n in 1..=20 {
            simulation.interleaved(|| store.set(&JOB, n));
            store.set(&SETTING, n);
            (0..simulation.pick(6)).for_each(|_| _ = simulation.step());
            for (_, who) in disposed.iter().filter(|(when, _)| n as usize == *when) {
                // The member's thread may take steps during the disposal.
                simulation.interleaved(|| pool.members()[*who].dispose());
            }
        }
        simulation.settle();
        let lost: Vec<_> =
            pool.take_lost_jobs().iter().filter_map(|job| job.get(&JOB).copied()).collect();
        lost_in_all += lost.len();
        let mut all = done.lock().expect("the mutex is not poisoned").clone();
        let distinct: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len(), "seed {seed}: a job is done twice: {all:?}");
        // A job that a disposed member has begun is lost: main cannot know how much of it was done.
        all.extend(&lost);
        assert_eq!(BTreeSet::from_iter(all), (1..=20).collect(), "seed {seed}");
        let stats = pool.stats();
        let counts = (stats.done + stats.lost, stats.at_work, stats.waiting);
        assert_eq!(counts, (20, 0, 0), "seed {seed}");
        assert_eq!(stats.lost, lost.len() as u64, "seed {seed}");
    }
    assert!(lost_in_all > 0, "none was disposed in the middle of a job");
}

#[test]
fn l2_in_a_simulation_a_pool_of_a_worker_loses_nothing_and_ends_however_idle_its_members_are() {
    hide_panics_with(PLANNED);
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let (members, died) = (2 + simulation.pick(3), Arc::new(AtomicBool::new(false)));
        let worker = IsolateStore::spawn(&store, shared![JOB, RESULT], move |store| {
            let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(members);
            let pool = builder.retries(1).spawn(store, move |store: &ReactonStore| {
                let died = Arc::clone(&died);
                store.subscribe(&JOB, move |store, n| {
                    // One member panics on this job, and another one does it.
                    if *n == 3 && !died.swap(true, Ordering::SeqCst) {
                        std::panic::panic_any(PLANNED);
                    }
                    store.set(&RESULT, (*n, n * n));
                });
            });
            pool.expect("the pool starts").detach();
        });
        let worker = worker.expect("the worker starts");
        if simulation.pick(2) == 0 {
            simulation.settle();
        }
        // A value that was written before the worker spawned its pool is the first state, not a job.
        let spawned = simulation.workers().len() > 1;
        let jobs = 1 + u32::try_from(simulation.pick(8)).expect("the number fits");
        for n in 1..=jobs {
            store.set(&JOB, n);
            (0..simulation.pick(8)).for_each(|_| _ = simulation.step());
        }
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()), "seed {seed}");
        simulation.settle();
        if spawned {
            let done: BTreeSet<_> = heard.borrow().iter().map(|(n, _)| *n).collect();
            assert_eq!(done, (1..=jobs).collect(), "seed {seed}");
        }
    }
}

#[test]
fn l2_in_a_simulation_members_that_are_shut_down_one_by_one_lose_no_job() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let members = 1 + simulation.pick(4);
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let pool = builder.pool(members).for_all(shared![SETTING]).spawn(&store, |store| {
            store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, n * n)));
        });
        let pool = pool.expect("the pool starts");
        let mut ended = 0;
        for n in 1..=20 {
            store.set(&JOB, n);
            store.set(&SETTING, n);
            (0..simulation.pick(6)).for_each(|_| _ = simulation.step());
            if ended + 1 < members && simulation.pick(5) == 0 {
                assert_eq!(pool.members()[ended].try_shutdown(TIMEOUT), Ok(()), "seed {seed}");
                ended += 1;
            }
        }
        for member in &pool.members()[ended..] {
            assert_eq!(member.try_shutdown(TIMEOUT), Ok(()), "seed {seed}");
        }
        let done: BTreeSet<_> = heard.borrow().iter().map(|(n, _)| *n).collect();
        assert_eq!(done, (1..=20).collect(), "seed {seed}");
        let stats = pool.stats();
        let counts = (stats.done, stats.lost, stats.at_work, stats.waiting);
        assert_eq!(counts, (20, 0, 0, 0), "seed {seed}");
    }
}
