//! L2: a shutdown keeps its timeout even if the thread takes long to end.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::future::{block_on, poll_once};
use reacton::prelude::*;
use reacton_support::{TIMEOUT, wait_until};

use crate::blocked_decode::{BLOCKING, block_decode_in};
use crate::{INPUT, OUTPUT};

/// Waits when it is dropped, until the other end is gone. The wait is limited, so that a join without a timeout fails
/// the test.
struct Slow(Receiver<()>);

impl Drop for Slow {
    fn drop(&mut self) {
        let _ = self.0.recv_timeout(TIMEOUT);
    }
}

thread_local! {
    static SLOW: RefCell<Option<Slow>> = const { RefCell::new(None) };
}

/// A worker with a thread local that is dropped only after the sender is.
fn slow(store: &ReactonStore) -> (IsolateStore, Sender<()>) {
    let (go, signal) = channel();
    let worker = IsolateStore::spawn(store, shared![INPUT, OUTPUT], move |store| {
        SLOW.set(Some(Slow(signal)));
        store.subscribe(&INPUT, |store, input| store.set(&OUTPUT, *input));
    });
    (worker.expect("the worker starts"), go)
}

/// A shutdown with a timeout returns, although the thread has not ended.
#[track_caller]
fn refuse_to_wait_for_the_thread(worker: &IsolateStore) {
    let error =
        worker.try_shutdown(Duration::from_millis(200)).expect_err("`try_shutdown` times out");
    let ShutdownError::TimedOut { queued: 0, unfinished, .. } = &error else {
        panic!("expected a timeout, got {error}");
    };
    assert_eq!(*unfinished, Unfinished::ThreadEnding);
}

/// Checks that an awaited shutdown is pending until the thread has ended, which happens when `go` is dropped.
#[track_caller]
fn await_shutdown_of_slow(store: &ReactonStore, worker: IsolateStore, go: Sender<()>) {
    let status = *worker.status();
    let mut ending = Box::pin(worker.shutdown_async());
    // By then everything but the thread has ended.
    while store.get(&status) != IsolateStatus::Disposed {
        assert_eq!(block_on(poll_once(&mut ending)), None);
    }
    assert_eq!(block_on(poll_once(&mut ending)), None);
    drop(go);
    assert_eq!(block_on(ending), Ok(()));
}

#[test]
fn l2_a_shutdown_keeps_its_timeout_though_thread_locals_are_slow_to_go() {
    let store = ReactonStore::new();
    let (worker, go) = slow(&store);
    store.set(&INPUT, 7);
    refuse_to_wait_for_the_thread(&worker);
    assert_eq!(store.get(&OUTPUT), 7, "a write of the worker was lost");
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    drop(go);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l2_a_shutdown_of_a_pool_keeps_its_timeout_though_thread_locals_are_slow_to_go() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let signal = Arc::new(Mutex::new(Some(signal)));
    let builder = IsolateStore::builder().shared(shared![INPUT]).pool(2);
    let pool = builder.spawn(&store, move |_: &ReactonStore| {
        let signal = signal.lock().expect("the mutex is not poisoned").take();
        SLOW.set(signal.map(Slow));
    });
    let pool = pool.expect("the pool starts");
    let error = pool.try_shutdown(Duration::from_millis(20)).expect_err("`try_shutdown` times out");
    assert!(matches!(error, ShutdownError::TimedOut { .. }), "{error}");
    drop(go);
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l2_an_awaited_shutdown_lets_other_tasks_run_while_a_thread_ends() {
    let store = ReactonStore::new();
    let (worker, go) = slow(&store);
    await_shutdown_of_slow(&store, worker, go);
}

/// A worker that panicked and was replaced. The thread local of the first one is dropped only after the sender is.
fn slow_predecessor(store: &ReactonStore) -> (IsolateStore, Sender<()>) {
    let (go, signal) = channel();
    let signal = Arc::new(Mutex::new(Some(signal)));
    let builder = IsolateStore::builder().restart(Restart::on_panic(1)).shared(shared![OUTPUT]);
    let worker = builder.spawn(store, move |store: &ReactonStore| {
        let signal = signal.lock().expect("the mutex is not poisoned").take();
        if let Some(signal) = signal {
            SLOW.set(Some(Slow(signal)));
            panic!("the first");
        }
        store.set(&OUTPUT, 2);
    });
    let worker = worker.expect("the worker starts");
    wait_until(store, |store| store.get(&OUTPUT) == 2);
    (worker, go)
}

#[test]
fn l2_a_shutdown_after_a_restart_waits_for_the_thread_of_the_predecessor() {
    let store = ReactonStore::new();
    let (worker, go) = slow_predecessor(&store);
    refuse_to_wait_for_the_thread(&worker);
    drop(go);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l2_an_awaited_shutdown_after_a_restart_waits_for_the_thread_of_the_predecessor() {
    let store = ReactonStore::new();
    let (worker, go) = slow_predecessor(&store);
    await_shutdown_of_slow(&store, worker, go);
}

#[test]
fn l6_an_awaited_spawn_times_out_by_itself() {
    let store = ReactonStore::new();
    let (open, _knocked) = block_decode_in("silent");
    let builder = IsolateStore::builder().name("silent").shared(shared![BLOCKING]);
    let spawning = builder.handshake_timeout(Duration::from_millis(20)).spawn_async(&store, |_| ());
    let error = block_on(spawning).expect_err("the worker does not answer the handshake");
    assert!(matches!(error, SpawnError::TimedOut { .. }), "{error}");
    drop(open);
}
