//! Pools in a simulation with interruptions by other stores: every member ends, and no job is lost or repeated.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::TIMEOUT;

use crate::{JOB, RESULT, SETTING, results};

/// How often each job was begun, by all members.
type Begun = Arc<Mutex<BTreeMap<u32, u32>>>;

fn note(begun: &Begun, job: u32) {
    *begun.lock().expect("the mutex is not poisoned").entry(job).or_default() += 1;
}

#[test]
fn l2_a_worker_with_a_pool_of_its_own_ends_in_every_schedule_though_members_are_idle() {
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let (members, jobs) = (1 + simulation.pick(4), simulation.pick(6));
        let worker =
            IsolateStore::spawn(&store, shared![JOB, RESULT], move |store: &ReactonStore| {
                let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(members);
                let pool = builder.spawn(store, |store: &ReactonStore| {
                    store.subscribe(&JOB, |store, job| store.set(&RESULT, (*job, job * job)));
                });
                pool.expect("the pool starts").detach();
            });
        let worker = worker.expect("the worker starts");
        simulation.settle();
        for job in 1..=jobs {
            store.set(&JOB, u32::try_from(job).expect("the number fits"));
            (0..simulation.pick(8)).for_each(|_| _ = simulation.step());
        }
        let ended = simulation.interleaved(|| worker.try_shutdown(TIMEOUT));
        assert_eq!(ended, Ok(()), "seed {seed}");
        simulation.settle();
        assert_eq!(heard.borrow().len(), jobs, "seed {seed}");
        assert!(simulation.workers().is_empty(), "seed {seed}");
    }
}

#[test]
fn l2_members_that_are_shut_down_one_by_one_end_in_every_schedule() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(3);
        let pool = builder.spawn(&store, |store: &ReactonStore| {
            store.subscribe(&JOB, |store, job| store.set(&RESULT, (*job, 0)));
        });
        let pool = pool.expect("the pool starts");
        (1..=5).for_each(|job| store.set(&JOB, job));
        (0..simulation.pick(30)).for_each(|_| _ = simulation.step());
        for member in pool.members() {
            let ended = simulation.interleaved(|| member.try_shutdown(TIMEOUT));
            assert_eq!(ended, Ok(()), "seed {seed}");
        }
        simulation.settle();
        assert_eq!(heard.borrow().len(), 5, "seed {seed}");
        assert!(simulation.workers().is_empty(), "seed {seed}");
    }
}

#[test]
fn in_every_schedule_a_member_that_is_disposed_in_the_middle_takes_no_job_along() {
    for seed in 0..500 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let begun = Begun::default();
        let log = Arc::clone(&begun);
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let pool = builder.pool(3).for_all(shared![SETTING]).spawn(&store, move |store| {
            let log = Arc::clone(&log);
            store.subscribe(&JOB, move |store, job| {
                note(&log, *job);
                store.set(&RESULT, (*job, 0));
            });
        });
        let pool = Rc::new(pool.expect("the pool starts"));
        let lost = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&lost);
        store.subscribe(pool.lost_job(), move |_, job| {
            log.borrow_mut().extend(job.as_ref().and_then(|job| job.get(&JOB).copied()));
        });
        // Either an observer disposes members, perhaps while others are in the middle of something; or the test does,
        // and members take steps meanwhile.
        let (by_observer, who) = (simulation.pick(2) == 0, simulation.pick(3));
        let when = u32::try_from(1 + simulation.pick(12)).expect("the number fits");
        if by_observer {
            let pool = Rc::downgrade(&pool);
            let heard = RefCell::new(0);
            store.subscribe(&RESULT, move |_, _| {
                *heard.borrow_mut() += 1;
                if *heard.borrow() == when
                    && let Some(pool) = pool.upgrade()
                {
                    pool.members()[who].dispose();
                }
            });
        }
        for job in 1..=15 {
            simulation.interleaved(|| store.set(&JOB, job));
            if job % 4 == 0 {
                store.set(&SETTING, job);
            }
            (0..simulation.pick(6)).for_each(|_| _ = simulation.step());
            if job == when && !by_observer {
                simulation.interleaved(|| pool.members()[who].dispose());
            }
        }
        simulation.settle();
        let stats = pool.stats();
        let begun = begun.lock().expect("the mutex is not poisoned");
        assert!(begun.values().all(|times| *times == 1), "seed {seed}: done twice: {begun:?}");
        let known = |job: &u32| begun.contains_key(job) || lost.borrow().contains(job);
        assert!((1..=15).all(|job| known(&job)), "seed {seed}: {begun:?}, {lost:?}");
        assert_eq!((stats.waiting, stats.at_work), (0, 0), "seed {seed}");
        assert_eq!(stats.done + stats.lost, 15, "seed {seed}");
    }
}
