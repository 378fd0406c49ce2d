//! C15 for pools: the writes of all members are merged.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::TIMEOUT;
use reacton_support::wait_until;

use crate::{DONE, ORDER, ROWS, TAGS, insert, row, rows};

#[worker(shared = [ORDER, ROWS, DONE])]
fn filler(store: &ReactonStore) {
    store.subscribe(&ORDER, |store, order| {
        for (key, name) in order {
            store.batch(|store| {
                insert(store, *key, name);
                store.update(&DONE, |done| done.add(1));
            });
        }
    });
}

#[test]
fn c15_the_results_of_a_pool_add_up() {
    let store = ReactonStore::new();
    let pool = filler::builder().pool(3).spawn(&store).expect("the pool starts");
    for job in 0..30 {
        store.set(&ORDER, vec![(job + 100, job.to_string()), (7, job.to_string())]);
    }
    wait_until(&store, |store| store.get(&DONE).value() == 60);
    assert_eq!(store.with(&ROWS, ReactonMap::len), 32);
    pool.shutdown(TIMEOUT).expect("the pool ends");
}

#[test]
fn c15_a_job_may_be_made_of_entries() {
    let store = ReactonStore::new();
    let pool = IsolateStore::builder().shared(shared![ROWS, TAGS]).pool(2);
    let pool = pool.spawn(&store, |store| {
        store.subscribe_changes(&ROWS, |store, changes| {
            let names: Vec<_> =
                changes.iter().filter_map(|change| Some(change.new()?.name.clone())).collect();
            store.update(&TAGS, |tags| tags.extend(names));
        });
    });
    let pool = pool.expect("the pool starts");
    for job in 0..20 {
        insert(&store, job % 3, &job.to_string());
    }
    wait_until(&store, |store| store.with(&TAGS, ReactonSet::len) == 20);
    pool.shutdown(TIMEOUT).expect("the pool ends");
}

#[reacton]
static LOG: ReactonList<(u64, u8)> = ReactonList::new();

/// Each job puts a row of its own and one that all jobs put, removes one, and appends two lines.
#[worker(shared = [ORDER, ROWS, DONE, LOG])]
fn writer(store: &ReactonStore) {
    store.subscribe(&ORDER, |store, order| {
        for (job, name) in order {
            store.batch(|store| {
                insert(store, *job, name);
                insert(store, 7, name);
                store.update(&ROWS, |rows| rows.remove(&(1000 + job)));
                store.update(&DONE, |done| done.add(1));
                store.update(&LOG, |log| log.extend([(*job, 1), (*job, 2)]));
            });
        }
    });
}

#[test]
fn c15_in_every_schedule_main_has_what_all_members_of_a_pool_write_to_one_collection() {
    const JOBS: u64 = 12;
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        store.update(&ROWS, |rows| {
            rows.extend((100..100 + JOBS).map(|job| (1000 + job, row("old"))));
        });
        let told = Rc::new(RefCell::new(rows(&store)));
        let copy = Rc::clone(&told);
        store.subscribe_changes(&ROWS, move |_, changes| {
            let mut copy = copy.borrow_mut();
            for change in changes {
                copy.retain(|(key, _)| key != change.key());
                copy.extend(change.new().map(|row| (*change.key(), row.name.clone())));
            }
            copy.sort_unstable();
        });
        let delivery = if seed % 2 == 0 { Delivery::Every } else { Delivery::Latest };
        let builder = writer::builder().delivery(delivery).pool(3);
        let pool = if seed % 3 == 0 {
            simulation.away(|| builder.spawn(&store))
        } else {
            builder.spawn(&store)
        };
        let pool = pool.expect("the pool starts");
        for job in 100..100 + JOBS {
            store.set(&ORDER, vec![(job, job.to_string())]);
            (0..simulation.pick(6)).for_each(|_| _ = simulation.step());
        }
        simulation.settle();
        let all = rows(&store);
        assert_eq!(*told.borrow(), all, "seed {seed}");
        let own: Vec<_> = (100..100 + JOBS).map(|job| (job, job.to_string())).collect();
        assert!(all.ends_with(&own) && all.len() == own.len() + 2, "seed {seed}: {all:?}");
        assert!(all[1].0 == 7 && own.iter().any(|(_, name)| *name == all[1].1), "seed {seed}");
        assert_eq!(store.get(&DONE).value(), i64::try_from(JOBS).unwrap_or(0), "seed {seed}");
        let log: Vec<_> = store.with(&LOG, |log| log.iter().copied().collect());
        let runs: Vec<_> = log.chunks(2).map(|run| run[0].0).collect();
        assert!(log.chunks(2).all(|run| run[0].0 == run[1].0), "seed {seed}: {log:?}");
        assert!((100..100 + JOBS).all(|job| runs.contains(&job)), "seed {seed}: {log:?}");
        assert_eq!(log.len(), 2 * own.len(), "seed {seed}: {log:?}");
        drop(pool);
    }
}
