//! C15 for pools: the writes of all members are merged.

use reacton::prelude::*;
use reacton_support::TIMEOUT;
use reacton_support::wait_until;

use crate::{DONE, ORDER, ROWS, TAGS, insert};

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
