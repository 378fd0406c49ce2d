//! A member that is shut down by itself: once it was allowed to end, it gets no job.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::StreamExt;
use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive};

use crate::{JOB, RESULT, results};

/// Reports that its loop has ended, and waits in the function after that.
#[derive(Clone)]
struct After {
    ended: Sender<()>,
    go: Arc<Mutex<Receiver<()>>>,
}

impl After {
    fn wait(self) {
        // Main may hear only the first that gets here, and drops the sender.
        let _ = self.ended.send(());
        let _ = self.go.lock().expect("nothing panics").recv();
    }
}

#[worker(shared = [JOB, RESULT])]
async fn stream(store: ReactonStore, after: After) {
    let mut jobs = store.changes(&JOB);
    while let Some(n) = jobs.next().await {
        assert!(n < 100, "{n} is too much");
        store.set(&RESULT, (n, n * n));
    }
    after.wait();
}

/// Answers only while its function runs.
#[worker(shared = [JOB, RESULT])]
fn own_loop(store: &ReactonStore, after: After) {
    let jobs = store.subscribe(&JOB, |store, n| {
        assert!(*n < 100, "{n} is too much");
        store.set(&RESULT, (*n, n * n));
    });
    while !store.is_disposed() {
        store.wait(Duration::MAX);
    }
    jobs.unsubscribe();
    after.wait();
}

type Spawn = fn(&ReactonStore, usize, After) -> Pool;

const KINDS: [Spawn; 2] = [
    |store, members, after| stream::builder().pool(members).spawn(store, after).expect("it starts"),
    |store, members, after| {
        own_loop::builder().pool(members).spawn(store, after).expect("it starts")
    },
];

/// A pool whose first member has been allowed to end, and stands in its function after that.
fn first_has_left(spawn: Spawn, store: &ReactonStore, members: usize) -> (Pool, Sender<()>) {
    let ((ended, told), (go, gone)) = (channel(), channel());
    let pool = spawn(store, members, After { ended, go: Arc::new(Mutex::new(gone)) });
    let first = pool.members()[0].try_shutdown(Duration::ZERO);
    assert!(matches!(first, Err(ShutdownError::TimedOut { .. })), "{first:?}");
    receive(&told);
    (pool, go)
}

#[test]
fn l2_a_member_that_has_left_gets_no_job_when_the_pool_is_shut_down() {
    for spawn in KINDS {
        let store = ReactonStore::new();
        let heard = results(&store);
        let (pool, go) = first_has_left(spawn, &store, 2);
        (1..=10).for_each(|n| store.set(&JOB, n));
        let first = pool.try_shutdown(Duration::ZERO);
        assert!(matches!(first, Err(ShutdownError::TimedOut { .. })), "{first:?}");
        drop(go);
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        assert_eq!(*heard.borrow(), (1..=10).map(|n| (n, n * n)).collect::<Vec<_>>());
        assert_eq!((pool.stats().done, pool.stats().lost), (10, 0));
    }
}

#[test]
fn l2_a_job_for_which_only_a_member_that_has_left_remains_is_shown_as_lost() {
    for spawn in KINDS {
        let store = ReactonStore::new();
        let heard = results(&store);
        let (pool, go) = first_has_left(spawn, &store, 1);
        (1..=3).for_each(|n| store.set(&JOB, n));
        drop(go);
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        assert!(heard.borrow().is_empty());
        let stats = pool.stats();
        assert_eq!((stats.given, stats.done, stats.lost, stats.waiting), (3, 0, 3, 0));
        let lost: Vec<_> = store.get(pool.lost_jobs()).iter().map(|job| job.number).collect();
        assert_eq!(lost, [1, 2, 3]);
    }
}

#[test]
fn l2_a_member_that_was_shut_down_gets_no_job_when_the_last_other_panics() {
    for spawn in KINDS {
        let store = ReactonStore::new();
        let heard = results(&store);
        let (pool, go) = first_has_left(spawn, &store, 2);
        for n in [1, 100, 3] {
            store.set(&JOB, n);
        }
        let second = pool.members()[1].status();
        let died = |store: &ReactonStore| matches!(store.get(second), IsolateStatus::Failed { .. });
        store.run_until(TIMEOUT, died).expect("it dies of the second job");
        drop(go);
        assert!(matches!(pool.try_shutdown(TIMEOUT), Err(ShutdownError::Failed { .. })));
        assert_eq!(*heard.borrow(), [(1, 1)]);
        let stats = pool.stats();
        assert_eq!((stats.given, stats.done, stats.lost, stats.waiting), (3, 1, 2, 0));
    }
}
