//! Jobs with values that cannot be encoded or decoded.

use std::cell::Cell;

use reacton::LinkError;
use reacton::prelude::*;
use reacton::testing::Simulation;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::{JOB, RESULT, results};

thread_local! {
    static DECODES: Cell<bool> = const { Cell::new(true) };
}

/// Can be encoded if it is below 100, and decoded while `DECODES` is true.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Picky(u32);

impl Serialize for Picky {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 < 100 { serializer.serialize_u32(self.0) } else { Err(ser::Error::custom("big")) }
    }
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        if DECODES.get() { Ok(Self(number)) } else { Err(de::Error::custom("odd")) }
    }
}

#[reacton]
static PICKY: Picky = Picky(0);

/// Returns a pool whose jobs are `JOB` and `PICKY`. The result is the job, and the member's value of `PICKY`.
fn spawn(store: &ReactonStore, members: usize) -> Pool {
    let builder = IsolateStore::builder().shared(shared![JOB, PICKY, RESULT]).pool(members);
    let pool = builder.spawn(store, |store: &ReactonStore| {
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, store.get(&PICKY).0)));
        store.subscribe(&PICKY, |store, picky| store.set(&RESULT, (0, picky.0)));
    });
    pool.expect("the pool starts")
}

/// Returns how many errors concern values that were not sent, and how many values that were not decoded.
fn errors(store: &ReactonStore, pool: &Pool) -> (usize, usize) {
    let errors: Vec<_> =
        pool.members().iter().filter_map(|member| store.get(member.last_error())).collect();
    let count = |of: fn(&LinkError) -> bool| errors.iter().filter(|error| of(error)).count();
    (
        count(|error| matches!(error, LinkError::Encode { .. })),
        count(|error| matches!(error, LinkError::Decode { .. })),
    )
}

#[test]
fn i10_a_job_that_does_not_encode_is_reported_by_each_member_and_is_no_job() {
    for other_isolate in [false, true] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = spawn(&store, 3);
        let other = other_isolate.then(|| {
            IsolateStore::spawn(&store, shared![PICKY], |_| {}).expect("the worker starts")
        });
        simulation.settle();
        store.set(&PICKY, Picky(100));
        assert_eq!(store.get(&PICKY), Picky(100), "the setting of main was undone");
        assert_eq!(errors(&store, &pool), (3, 0));
        assert_eq!(
            other.as_ref().map(|one| store.get(one.last_error()).is_some()),
            other_isolate.then_some(true)
        );
        simulation.settle();
        let stats = pool.stats();
        assert_eq!((stats.given, heard.borrow().len()), (0, 0));
        // Any later value is a job again.
        store.set(&PICKY, Picky(1));
        simulation.settle();
        assert_eq!((pool.stats().done, heard.borrow().as_slice()), (1, [(0, 1)].as_slice()));
    }
}

#[test]
fn i10_the_other_changes_of_a_job_arrive_though_one_does_not_encode() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = spawn(&store, 2);
    simulation.settle();
    store.batch(|store| {
        store.set(&JOB, 1);
        store.set(&PICKY, Picky(100));
    });
    simulation.settle();
    assert_eq!(*heard.borrow(), [(1, 0)]);
    assert_eq!((errors(&store, &pool), pool.stats().done), ((2, 0), 1));
}

#[test]
fn a_job_that_does_not_decode_is_reported_by_the_member_that_took_it_and_is_done() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = spawn(&store, 2);
    simulation.settle();
    store.set(&PICKY, Picky(1));
    // A debug build has decoded the value once before it is sent.
    DECODES.set(false);
    simulation.settle();
    DECODES.set(true);
    assert_eq!((errors(&store, &pool), heard.borrow().len()), ((0, 1), 0));
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost), (1, 1, 0));
}
