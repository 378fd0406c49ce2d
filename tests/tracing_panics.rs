//! A subscriber of tracing that panics does not stop the work of the supervision.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use reacton::PoolStats;
use reacton::prelude::*;
use reacton_support::{OnEvent, TIMEOUT, restart_always};

#[reacton]
static JOB: u32 = 0;

#[reacton]
static RESULT: (u32, u32) = (0, 0);

thread_local! {
    static IS_TEST: Cell<bool> = const { Cell::new(false) };
}

/// Reports job 13 on a channel, and panics in it when main sends a message on the other channel.
#[worker(shared = [JOB, RESULT])]
fn unlucky(store: &ReactonStore, begun: Sender<()>, go: Arc<Mutex<Receiver<()>>>) {
    store.subscribe(&JOB, move |store, n| {
        if *n == 13 {
            begun.send(()).expect("the channel is open");
            let _ = go.lock().expect("the mutex is not poisoned").recv();
            panic!("13");
        }
        store.set(&RESULT, (*n, n * n));
    });
}

/// Returns what became of a pool of two whose first member fails at a job, while the subscriber panics once at
/// `message`.
fn end_of(
    message: &'static str,
    retries: u32,
    restart: Restart,
    dispose: bool,
) -> (Vec<IsolateStatus>, PoolStats, usize, Result<(), ShutdownError>) {
    IS_TEST.set(true);
    let has_panicked = Arc::new(AtomicBool::new(false));
    let panicked = Arc::clone(&has_panicked);
    let _guard = tracing::subscriber::set_default(OnEvent(move |logged: &str| {
        let hits = logged == message && IS_TEST.get();
        assert!(!hits || panicked.swap(true, Ordering::SeqCst), "the subscriber panics");
    }));
    let store = ReactonStore::new();
    let ((begun, told), (go, signal)) = (channel(), channel::<()>());
    let builder = unlucky::builder().restart(restart).pool(2).retries(retries);
    let pool =
        builder.spawn(&store, begun, Arc::new(Mutex::new(signal))).expect("the worker starts");
    store.set(&JOB, 13);
    told.recv_timeout(TIMEOUT).expect("a member works at the job");
    if dispose {
        // Either one of them gets the job, or both, one after the other.
        for member in pool.members() {
            let _ = catch_unwind(AssertUnwindSafe(|| member.dispose()));
        }
    }
    drop(go);
    let mut panics = 0;
    let ended = loop {
        match catch_unwind(AssertUnwindSafe(|| pool.try_shutdown(TIMEOUT))) {
            Ok(ended) => break ended,
            Err(_) => panics += 1,
        }
        assert!(panics < 3, "the subscriber panics only once");
    };
    assert!(has_panicked.load(Ordering::SeqCst), "`{message}` was logged");
    let status = pool.members().iter().map(|member| store.get(member.status())).collect();
    let lost = store.with(pool.lost_jobs(), Vec::len);
    (status, pool.stats(), lost, ended)
}

#[test]
fn l3_a_subscriber_that_panics_leaves_no_bookkeeping_undone() {
    let cases = [
        ("a worker has failed", 0, Restart::Never, false),
        ("a worker panicked; another follows", 0, restart_always(), false),
        ("a worker was started again", 0, restart_always(), false),
        ("a worker has ended", 0, restart_always(), false),
        ("a job is lost", 0, restart_always(), false),
        ("a job is given again", 1, restart_always(), false),
        ("disposed", 1, restart_always(), true),
        ("a job is lost", 1, restart_always(), true),
    ];
    for (message, retries, restart, dispose) in cases {
        let (members, stats, lost, ended) = end_of(message, retries, restart, dispose);
        let failed = matches!(ended, Err(ShutdownError::Failed { .. }));
        assert_eq!(failed, restart == Restart::Never, "`{message}`: {ended:?}");
        assert!(failed || ended.is_ok(), "`{message}`: {ended:?}");
        let is_over = |status: &IsolateStatus| {
            matches!(status, IsolateStatus::Disposed | IsolateStatus::Failed { .. })
        };
        assert!(members.iter().all(is_over), "`{message}`: {members:?}");
        let left = (stats.given, stats.lost, stats.done, stats.waiting, stats.at_work);
        assert_eq!((left, lost), ((1, 1, 0, 0, 0), 1), "`{message}`");
    }
}
