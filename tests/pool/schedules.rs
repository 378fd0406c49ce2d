//! Pools without threads, in hundreds of orders.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use reacton::prelude::*;
use reacton::testing::Simulation;

use crate::{JOB, RESULT, SETTING, SOON, always, results};

#[test]
fn in_a_simulation_every_schedule_does_every_job_once_though_workers_die() {
    std::panic::set_hook(Box::new(|info| {
        // The deaths of the simulation are meant to be.
        if info.payload().downcast_ref() != Some(&"its fate") {
            eprintln!("{info}");
        }
    }));
    for seed in 0..500 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let members = 1 + simulation.pick(4);
        let died = Arc::new(Mutex::new(BTreeSet::new()));
        let pool = builder
            .restart(always())
            .pool(members)
            .for_all(shared![SETTING])
            .retries(1)
            .spawn(&store, move |store| {
                let died = Arc::clone(&died);
                store.subscribe(&JOB, move |store, n| {
                    assert!(store.get(&SETTING) >= n / 10, "a job has overtaken its setting");
                    if n.is_multiple_of(7) && died.lock().expect("let go before").insert(*n) {
                        std::panic::panic_any("its fate");
                    }
                    store.set(&RESULT, (*n, n * n));
                });
            })
            .expect("it starts");
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
        assert_eq!(pool.try_shutdown(SOON), Ok(()), "seed {seed}");
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
        let _pool = pool.expect("it starts");
        store.set(&JOB, 1);
        store.set(&JOB, 2);
        (0..seed % 7).for_each(|_| _ = simulation.step());
        store.set(&SETTING, 30);
        store.set(&SETTING, 20);
        simulation.settle();
        // Now each is asked what it holds.
        let heard = results(&store);
        (10..20).for_each(|n| store.set(&JOB, n));
        simulation.settle();
        let setting = store.get(&SETTING);
        assert_eq!(heard.borrow().len(), 10, "seed {seed}");
        assert!(heard.borrow().iter().all(|(_, held)| *held == setting), "seed {seed}: {heard:?}");
    }
}

#[test]
fn in_a_simulation_no_job_vanishes_with_a_member_that_is_disposed() {
    let mut lost_in_all = 0;
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let begun = Arc::new(Mutex::new(BTreeSet::new()));
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let log = Arc::clone(&begun);
        let pool = builder.pool(3).for_all(shared![SETTING]).spawn(&store, move |store| {
            let log = Arc::clone(&log);
            store.subscribe(&JOB, move |_, n| _ = log.lock().expect("let go before").insert(*n));
        });
        let pool = pool.expect("it starts");
        let lost = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&lost);
        store.subscribe(pool.lost_job(), move |_, job| {
            log.borrow_mut().extend(job.as_ref().and_then(|job| job.get(&JOB).copied()));
        });
        let (when, who) = (1 + simulation.pick(20), simulation.pick(3));
        for n in 1..=20 {
            store.set(&JOB, n);
            store.set(&SETTING, n);
            (0..simulation.pick(6)).for_each(|_| _ = simulation.step());
            if n as usize == when {
                pool.members()[who].dispose();
            }
        }
        simulation.settle();
        lost_in_all += lost.borrow().len();
        // What was done by a member that is disposed may not arrive; but it was done.
        let mut all = std::mem::take(&mut *begun.lock().expect("let go before"));
        all.extend(lost.take());
        assert_eq!(all, (1..=20).collect(), "seed {seed}");
        let stats = pool.stats();
        assert_eq!(
            (stats.done + stats.lost, stats.at_work, stats.waiting),
            (20, 0, 0),
            "seed {seed}"
        );
    }
    assert_eq!(lost_in_all, 0, "in a simulation a job is done in one step");
}
