//! Tests of what a job counts when its worker ends.

use std::time::Duration;

use super::*;
use crate::sync::LinkId;

/// Returns a pool of the worker `pool` that repeats a job so often, and shares nothing.
fn pool(store: &ReactonStore, retries: u32) -> PoolShared {
    let none = SharedSet::from([]);
    PoolShared::new(store, 9, &none, &none, Callee { retries, ..Callee::of_pool("pool") })
}

/// Returns the next job, as one of a new member, which has begun it or has not.
fn assigned(store: &ReactonStore, pool: &PoolShared, link: LinkId, begun: bool) -> AssignedJob {
    let mailbox = || Wiring::of(store).inbox().weak_mailbox().into();
    pool.jobs.join(link);
    assert!(pool.jobs.next(link, mailbox, || begun).is_some());
    pool.jobs.leave(link).expect("the member has the job")
}

fn panicked() -> CloseReason {
    let message = "too much".to_owned();
    CloseReason::Panicked { message, location: None, after: Duration::ZERO, worked: true }
}

#[test]
fn p7_a_panic_counts_only_for_a_job_that_had_begun() {
    let store = ReactonStore::new();
    let (pool, mut log) = (pool(&store, 1), Log::default());
    pool.jobs.push(1, ChangeList::NONE);
    let mut link = 0;
    let mut recover = |begun, reason: &CloseReason| {
        link += 1;
        pool.recover(assigned(&store, &pool, LinkId(link), begun), reason, &mut log)
    };
    // Neither counts: two workers that panic before they have begun the job, and one that is disposed.
    for reason in [panicked(), panicked(), CloseReason::Disposed] {
        assert!(recover(false, &reason).is_none(), "another member does the job");
    }
    assert!(recover(true, &panicked()).is_none(), "the job is repeated");
    let lost = recover(true, &panicked()).expect("the job is repeated once only");
    let shown = pool.unpack(lost, &mut FirstPanic::default());
    assert_eq!((shown.number, shown.deaths, shown.message.as_str()), (1, 2, "too much"));
}

#[test]
fn p7_a_worker_that_is_disposed_in_a_job_is_no_panic_on_it() {
    let store = ReactonStore::new();
    let (pool, mut log) = (pool(&store, 1), Log::default());
    pool.jobs.push(1, ChangeList::NONE);
    let first = assigned(&store, &pool, LinkId(1), true);
    assert!(pool.recover(first, &panicked(), &mut log).is_none(), "the job is repeated");
    let second = assigned(&store, &pool, LinkId(2), true);
    let lost = pool.recover(second, &CloseReason::Disposed, &mut log).expect("the job is lost");
    let shown = pool.unpack(lost, &mut FirstPanic::default());
    assert_eq!((shown.deaths, shown.message.as_str()), (1, "its worker was disposed"));
}
