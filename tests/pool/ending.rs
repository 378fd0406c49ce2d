//! How a pool begins and ends, and what is left afterwards.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use futures_lite::future::{block_on, poll_once};
use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, restart_always};
use serde::{Deserialize, Serialize, Serializer};

use crate::{JOB, RESULT, results, square};

#[test]
fn a_pool_begins_and_ends_without_blocking_and_loses_nothing() {
    let store = ReactonStore::new();
    let heard = results(&store);
    block_on(async {
        let spawning = square::builder().pool(3).spawn_async(&store);
        // Written after the call, so these are jobs already.
        (1..=10).for_each(|n| store.set(&JOB, n));
        let pool = spawning.await.expect("the worker starts");
        assert_eq!(pool.members().len(), 3);
        (11..=100).for_each(|n| store.set(&JOB, n));
        assert_eq!(pool.shutdown_async().await, Ok(()));
    });
    let distinct: BTreeSet<_> = heard.borrow().iter().copied().collect();
    assert_eq!(distinct, (1..=100).map(|n| (n, n * n)).collect());
    assert_eq!(
        store.run_until(TIMEOUT, |_| false),
        Err(RunError::Disconnected),
        "no member is left"
    );
}

#[test]
fn a_pool_that_is_no_longer_awaited_is_disposed() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let (tell, told) = channel::<()>();
    let entry = move |store: &ReactonStore| {
        let alive = tell.clone();
        store.subscribe(&JOB, move |_, _| alive.send(()).expect("the channel is open"));
    };
    drop(builder.clone().spawn_async(&store, entry.clone()));
    let pool = block_on(builder.spawn_async(&store, entry)).expect("the worker starts");
    let mut ending = Box::pin(pool.shutdown_async());
    // Polled once. Whether the pool has ended by then or not, nothing of it is left afterwards.
    let _ = block_on(poll_once(&mut ending));
    drop(ending);
    expect_disconnected(&told);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[test]
fn a_pool_that_is_awaited_returns_its_errors() {
    let store = ReactonStore::new();
    let none = block_on(square::builder().pool(0).spawn_async(&store));
    assert!(matches!(none, Err(SpawnError::NoMembers { .. })), "{none:?}");
    let pool = square::builder().pool(2).spawn(&store).expect("the pool starts");
    let ending = RefCell::new(Some(Box::pin(pool.shutdown_async())));
    let nested = store.batch(|_| block_on(ending.take().expect("the handle is there")));
    assert!(matches!(nested, Err(ShutdownError::Nested { .. })), "{nested:?}");
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = block_on(builder.spawn_async(&store, |store| {
        store.subscribe(&JOB, |_, n| assert!(*n < 7, "seven"));
    }))
    .expect("the worker starts");
    store.set(&JOB, 7);
    let failed = block_on(pool.shutdown_async());
    assert!(matches!(&failed, Err(ShutdownError::Failed { message, .. }) if message == "seven"));
}

#[test]
fn a_pool_that_is_dropped_leaves_no_worker_and_no_job() {
    /// Closes its channel when the argument is dropped.
    #[derive(Clone)]
    struct Held {
        _argument: Arc<()>,
        _alive: Sender<()>,
    }
    let store = ReactonStore::new();
    let (alive, ended) = channel();
    let argument = Arc::new(());
    let held = Held { _argument: Arc::clone(&argument), _alive: alive };
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).restart(restart_always());
    let pool = builder.pool(3).spawn(&store, move |store| {
        let held = held.clone();
        store.subscribe(&JOB, move |store, n| {
            let _held = &held;
            store.set(&RESULT, (*n, 0));
        });
    });
    let pool = pool.expect("the pool starts");
    let status = *pool.members()[2].status();
    (1..=1000).for_each(|n| store.set(&JOB, n));
    drop(pool);
    expect_disconnected(&ended);
    assert_eq!(Arc::strong_count(&argument), 1);
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
    assert_eq!(store.pump(), 0, "a result was applied after the drop");
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[test]
fn a_pool_ends_with_its_store_also_when_it_is_detached() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let (alive, ended) = channel::<()>();
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let alive = alive.clone();
        store.subscribe(&JOB, move |store, n| {
            let _alive = &alive;
            store.set(&RESULT, (*n, 0));
        });
    });
    pool.expect("the pool starts").detach();
    (1..=10).for_each(|n| store.set(&JOB, n));
    store.run_until(TIMEOUT, |_| heard.borrow().len() == 10).expect("the pool goes on");
    drop(store);
    expect_disconnected(&ended);
}

#[test]
fn the_jobs_of_a_disposed_member_go_to_the_others() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(2).spawn(&store).expect("the pool starts");
    (1..=10).for_each(|n| store.set(&JOB, n));
    pool.members()[0].dispose();
    (11..=50).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    let stats = pool.stats();
    assert_eq!(stats.given, 50);
    assert!(stats.done >= 49, "all jobs but the current one are done: {stats:?}");
    assert!(heard.borrow().iter().filter(|(n, _)| *n > 10).count() >= 39);
}

#[test]
fn what_is_written_after_a_shutdown_has_begun_is_no_job() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(2).spawn(&store).expect("the pool starts");
    // Each result writes another job, without end.
    store.subscribe(&RESULT, |store, (n, _)| store.set(&JOB, n + 100));
    (1..=20).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    assert_eq!((heard.borrow().len(), pool.stats().given, pool.stats().lost), (20, 20, 0));
}

/// Counts how often its values are encoded.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Counted(u32);

static WRITTEN: AtomicUsize = AtomicUsize::new(0);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WRITTEN.fetch_add(1, Ordering::SeqCst);
        self.0.serialize(serializer)
    }
}

#[reacton]
static COUNTED: Counted = Counted(0);

#[test]
fn a_pool_without_a_handle_costs_nothing_once_its_members_have_ended() {
    let store = ReactonStore::new();
    let entry = |_: &ReactonStore| Err::<(), _>("no");
    let builder = IsolateStore::builder().shared(shared![COUNTED]).pool(2);
    let pool = builder.clone().spawn(&store, entry).expect("the worker starts");
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    store.set(&COUNTED, Counted(1));
    let written = WRITTEN.load(Ordering::SeqCst);
    assert!(
        store.get(pool.lost_job()).is_some() && written > 0,
        "a lost job is reported while the pool is held"
    );
    pool.detach();
    builder.spawn(&store, entry).expect("the worker starts").detach();
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    let written = WRITTEN.load(Ordering::SeqCst);
    store.set(&COUNTED, Counted(2));
    assert_eq!(WRITTEN.load(Ordering::SeqCst), written);
}

/// Waits in the middle of job 1 until main lets it continue.
#[worker(shared = [JOB, RESULT])]
fn held_at_one(store: &ReactonStore, begun: Sender<()>, go: Arc<Mutex<Receiver<()>>>) {
    store.subscribe(&JOB, move |store, n| {
        if *n == 1 {
            begun.send(()).expect("the channel is open");
            go.lock().expect("the mutex is not poisoned").recv().expect("a message arrives");
        }
        store.set(&RESULT, (*n, n * n));
    });
}

#[test]
fn l2_a_worker_whose_own_pool_has_an_idle_member_beside_a_busy_one_ends() {
    let store = ReactonStore::new();
    let ((begun, told), (go, signal)) = (channel(), channel());
    let signal = Arc::new(Mutex::new(signal));
    let worker = IsolateStore::spawn(&store, shared![JOB, RESULT], move |store| {
        let pool =
            held_at_one::builder().pool(3).spawn(store, begun, signal).expect("the pool starts");
        pool.detach();
    });
    let worker = worker.expect("the worker starts");
    store.set(&JOB, 1);
    receive(&told);
    let mut ending = Box::pin(worker.shutdown_async());
    assert_eq!(block_on(poll_once(&mut ending)), None);
    go.send(()).expect("the channel is open");
    assert_eq!(block_on(ending), Ok(()));
    assert_eq!(store.get(&RESULT), (1, 1));
}

#[test]
fn l2_one_member_of_a_pool_that_goes_on_can_be_shut_down() {
    let store = ReactonStore::new();
    let ((begun, told), (go, signal)) = (channel(), channel());
    let signal = Arc::new(Mutex::new(signal));
    let pool =
        held_at_one::builder().pool(2).spawn(&store, begun, signal).expect("the pool starts");
    let heard = results(&store);
    store.set(&JOB, 1);
    receive(&told);
    // One of the two is idle, and the other is in the middle of the job.
    (0..2).for_each(|_| go.send(()).expect("the channel is open"));
    assert_eq!(pool.members()[0].try_shutdown(TIMEOUT), Ok(()));
    (2..=20).for_each(|n| store.set(&JOB, n));
    assert_eq!(
        pool.members()[1].try_shutdown(TIMEOUT),
        Ok(()),
        "the last member does the queued jobs"
    );
    assert_eq!(heard.borrow().len(), 20);
    let stats = pool.stats();
    assert_eq!((stats.done, stats.lost, stats.waiting), (20, 0, 0));
}
