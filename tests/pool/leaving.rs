//! A single member that is shut down gets no job after it was allowed to end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::StreamExt;
use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{TIMEOUT, quietly, receive, restart_always};
use serde::{Deserialize, Serialize, Serializer};

use crate::{JOB, RESULT, results};

/// Reports that its loop has ended, and then waits, still in the function.
#[derive(Clone)]
struct After {
    ended: Sender<()>,
    go: Arc<Mutex<Receiver<()>>>,
}

impl After {
    fn wait(self) {
        // Main may take only the first report, and drop the receiver.
        let _ = self.ended.send(());
        let _ = self.go.lock().expect("the mutex is not poisoned").recv();
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

/// A worker that answers only while its function runs.
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
    |store, members, after| {
        stream::builder().pool(members).spawn(store, after).expect("the pool starts")
    },
    |store, members, after| {
        own_loop::builder().pool(members).spawn(store, after).expect("the pool starts")
    },
];

/// Returns a pool whose first member was allowed to end, and has not returned from its function.
fn first_has_left(spawn: Spawn, store: &ReactonStore, members: usize) -> (Pool, Sender<()>) {
    let ((ended, told), (go, signal)) = (channel(), channel());
    let pool = spawn(store, members, After { ended, go: Arc::new(Mutex::new(signal)) });
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
        store.run_until(TIMEOUT, died).expect("the member fails at the second job");
        drop(go);
        assert!(matches!(pool.try_shutdown(TIMEOUT), Err(ShutdownError::Failed { .. })));
        assert_eq!(*heard.borrow(), [(1, 1)]);
        let stats = pool.stats();
        assert_eq!((stats.given, stats.done, stats.lost, stats.waiting), (3, 1, 2, 0));
    }
}

/// Called when the next `Watched` is encoded.
type Call = Box<dyn Fn()>;

thread_local! {
    static WHEN_PACKED: RefCell<Option<Call>> = const { RefCell::new(None) };
}

/// A value whose `Serialize` calls code of the program.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Watched;

impl Serialize for Watched {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let call = WHEN_PACKED.take();
        if let Some(call) = call {
            call();
        }
        serializer.serialize_unit_struct("Watched")
    }
}

#[reacton]
static WATCHED: Watched = Watched;

/// Not shared.
#[reacton]
static NOTE: u32 = 0;

#[test]
fn a_member_that_an_observer_disposes_while_it_is_started_again_is_no_member_any_more() {
    for seed in 0..50 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let builder = IsolateStore::builder().shared(shared![JOB, RESULT, WATCHED]);
        let builder = builder.restart(restart_always()).pool(2);
        let pool = builder.spawn(&store, |store| {
            store.subscribe(&JOB, |store, job| {
                assert!(*job > 1, "one is too hard");
                store.set(&RESULT, (*job, 0));
            });
        });
        let pool = Rc::new(pool.expect("the pool starts"));
        let own = Rc::clone(&pool);
        store.subscribe(&NOTE, move |store, _| {
            let restarts = |member: &&IsolateStore| {
                matches!(store.get(member.status()), IsolateStatus::Restarting { .. })
            };
            own.members().iter().find(restarts).expect("a member is being restarted").dispose();
        });
        let main = store.clone();
        WHEN_PACKED.set(Some(Box::new(move || main.set(&NOTE, 1))));
        quietly(|| {
            store.set(&JOB, 1);
            simulation.settle();
        });
        let is_left = |member: &&IsolateStore| store.get(member.status()) == IsolateStatus::Running;
        let members = pool.members();
        assert_eq!(members.iter().filter(is_left).count(), 1, "seed {seed}");
        let left = members.iter().find(is_left).expect("a member is left");
        // The last member does the queued jobs before it ends.
        (2..=4).for_each(|job| store.set(&JOB, job));
        assert_eq!(left.try_shutdown(TIMEOUT), Ok(()), "seed {seed}");
        assert_eq!(*heard.borrow(), [(2, 0), (3, 0), (4, 0)], "seed {seed}");
    }
}
