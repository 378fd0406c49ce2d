//! Spawning and shutting down without blocking the thread.

use std::pin::pin;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};

use futures_lite::future::{block_on, poll_once, zip};
use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_for_threads, wait_until};

use crate::blocked_decode::{BLOCKING, block_decode_in};
use crate::{INPUT, OUTPUT, Stuck, copier};

#[worker(shared = [INPUT, OUTPUT])]
fn adder(store: &ReactonStore, summand: u32) {
    store.subscribe(&INPUT, move |store, input| store.set(&OUTPUT, input + summand));
}

#[test]
fn i1_an_isolate_that_is_awaited_has_begun_at_the_call() {
    let store = ReactonStore::new();
    store.set(&INPUT, 1);
    let (tell, told) = channel();
    let spawning = IsolateStore::spawn_async(&store, shared![INPUT, OUTPUT], move |store| {
        tell.send(store.get(&INPUT)).expect("the channel is open");
        store.subscribe(&INPUT, |store, input| store.set(&OUTPUT, *input));
    });
    // Written after the call: the worker receives it as a change, not as a first value.
    store.set(&INPUT, 2);
    let worker = block_on(spawning).expect("the worker starts");
    assert_eq!(receive(&told), 1);
    wait_until(&store, |store| store.get(&OUTPUT) == 2);
    assert_eq!(block_on(worker.shutdown_async()), Ok(()));
}

#[test]
fn a_worker_is_awaited_with_its_arguments_and_by_every_builder() {
    let store = ReactonStore::new();
    let workers = block_on(async {
        [
            adder::spawn_async(&store, 1).await,
            adder::builder().spawn_async(&store, 2).await,
            adder::builder().restart(Restart::Never).spawn_async(&store, 3).await,
        ]
    });
    for (worker, sum) in workers.into_iter().zip(1..) {
        let worker = worker.expect("the worker starts");
        store.set(&OUTPUT, 0);
        store.set(&INPUT, sum * 10);
        assert_eq!(block_on(worker.shutdown_async()), Ok(()));
    }
    assert_eq!(store.get(&OUTPUT), 33);
}

#[test]
fn l6_a_spawn_that_is_awaited_returns_its_error_and_takes_no_turn() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&OUTPUT, 9);
    let twice: SharedSet = [shared![INPUT], shared![INPUT]].into_iter().collect();
    let failed = block_on(IsolateStore::spawn_async(&store, twice, |_| {}));
    assert!(matches!(failed, Err(SpawnError::Duplicate { .. })), "{failed:?}");
    let worker = block_on(IsolateStore::spawn_async(&store, shared![INPUT], |_| {}));
    assert_eq!(store.get(&OUTPUT), 0, "`spawn_async` has applied a transaction");
    drop(worker);
    store.dispose();
    let failed = block_on(IsolateStore::spawn_async(&store, shared![INPUT], |_| {}));
    assert!(matches!(failed, Err(SpawnError::Disposed { .. })), "{failed:?}");
}

#[test]
fn l1_a_spawn_that_is_dropped_before_the_handshake_is_complete_leaves_nothing() {
    let (open, blocked) = block_decode_in("slow-dropped");
    let store = ReactonStore::new();
    let (alive, ended) = channel::<()>();
    let builder = IsolateStore::builder().name("slow-dropped").shared(shared![BLOCKING]);
    let mut spawning = builder.spawn_async(&store, move |_| {
        alive.send(()).expect("the channel is open");
    });
    receive(&blocked);
    assert!(block_on(poll_once(&mut spawning)).is_none(), "the handshake is complete");
    drop(spawning);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    open.send(()).expect("the channel is open");
    expect_disconnected(&ended);
    wait_for_threads("slow-dropped", 0);
}

#[test]
fn l2_a_shutdown_that_is_awaited_loses_nothing() {
    let store = ReactonStore::new();
    let worker = adder::spawn(&store, 1).expect("the worker starts");
    (1..=1000).for_each(|n| store.set(&INPUT, n));
    assert_eq!(block_on(worker.shutdown_async()), Ok(()));
    assert_eq!(store.get(&OUTPUT), 1001);
}

#[test]
fn l2_a_shutdown_that_is_awaited_ends_though_nothing_else_arrives_and_other_isolates_run() {
    let store = ReactonStore::new();
    let (_other, _ended) = copier(&store);
    for _ in 0..100 {
        let worker =
            IsolateStore::spawn(&store, shared![INPUT], |_| {}).expect("the worker starts");
        assert_eq!(block_on(worker.shutdown_async()), Ok(()));
    }
}

#[test]
fn l2_two_shutdowns_can_be_awaited_together() {
    let store = ReactonStore::new();
    let (one, _ended) = copier(&store);
    let two = adder::spawn(&store, 1).expect("the worker starts");
    store.set(&INPUT, 5);
    assert_eq!(block_on(zip(one.shutdown_async(), two.shutdown_async())), (Ok(()), Ok(())));
    assert!(matches!(store.get(&OUTPUT), 5 | 6));
}

#[test]
fn l2_a_shutdown_that_is_dropped_in_the_middle_disposes() {
    let store = ReactonStore::new();
    let Stuck { worker, begun, go } = Stuck::begin(&store);
    let status = *worker.status();
    let mut shutdown = Box::pin(worker.shutdown_async());
    assert!(block_on(poll_once(shutdown.as_mut())).is_none());
    assert_eq!(store.get(&status), IsolateStatus::Running);
    drop(shutdown);
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
    go.send(()).expect("the worker is still in its callback");
    expect_disconnected(&begun);
}

#[test]
fn l2_a_shutdown_that_is_awaited_returns_that_the_worker_failed() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |_| Err::<(), _>("no luck"));
    let error = block_on(worker.expect("the worker starts").shutdown_async())
        .expect_err("the worker has failed");
    assert!(error.to_string().contains("no luck"), "{error}");
}

#[test]
fn l2_a_shutdown_that_is_polled_in_an_observer_is_an_error_and_the_worker_goes_on() {
    let store = ReactonStore::new();
    let worker = adder::spawn(&store, 1).expect("the worker starts");
    let result = store.batch(|_| {
        let shutdown = pin!(worker.shutdown_async());
        shutdown.poll(&mut Context::from_waker(Waker::noop()))
    });
    assert!(matches!(result, Poll::Ready(Err(ShutdownError::Nested { .. }))), "{result:?}");
    store.set(&INPUT, 7);
    wait_until(&store, |store| store.get(&OUTPUT) == 8);
}

#[test]
fn l2_a_shutdown_that_is_polled_in_the_middle_of_something_loses_nothing() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
        store.subscribe(&INPUT, move |store, input| {
            signal.recv().expect("a message arrives");
            store.set(&OUTPUT, *input);
        });
    })
    .expect("the worker starts");
    store.set(&INPUT, 5);
    let mut shutdown = pin!(worker.shutdown_async());
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(shutdown.as_mut().poll(&mut context), Poll::Pending);
    store.batch(|_| {
        for _ in 0..3 {
            assert_eq!(shutdown.as_mut().poll(&mut context), Poll::Pending);
        }
    });
    go.send(()).expect("the channel is open");
    assert_eq!(block_on(shutdown), Ok(()));
    assert_eq!(store.get(&OUTPUT), 5);
}
