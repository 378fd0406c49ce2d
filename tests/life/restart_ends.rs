//! L1, L2, L3, L6: an isolate that is disposed or shut down while its worker is restarted.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_for_threads, wait_until};

use crate::blocked_decode::{BLOCKING, block_decode_in};
use crate::restarts::{at_most, fragile, is_failed, log};
use crate::{INPUT, OUTPUT};

/// A policy with a backoff of an hour, for which no test waits.
fn after_an_hour() -> Restart {
    let hour = Duration::from_secs(3600);
    Restart::OnPanic { max: 1, within: hour, backoff: hour }
}

#[test]
fn l1_an_isolate_that_waits_to_be_started_again_can_be_disposed() {
    let store = ReactonStore::new();
    let (alive, ended) = channel::<()>();
    let builder = IsolateStore::builder().name("waits").shared(shared![INPUT]);
    let worker = builder.restart(after_an_hour()).spawn(&store, move |store| {
        let alive: Sender<()> = alive.clone();
        store.subscribe(&INPUT, move |_, _| alive.send(()).expect("the channel is open"));
        panic!("at once");
    });
    let worker = worker.expect("the worker starts");
    wait_until(&store, |store| {
        store.get(worker.status()) == IsolateStatus::Restarting { attempt: 1 }
    });
    let waited = store.run_until(Duration::from_millis(5), |_| false);
    assert_eq!(
        waited,
        Err(RunError::TimedOut),
        "a worker that will be restarted keeps the wait open"
    );
    worker.dispose();
    worker.dispose();
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    assert_eq!(
        store.run_until(TIMEOUT, |_| false),
        Err(RunError::Disconnected),
        "no worker is left"
    );
    expect_disconnected(&ended);
    wait_for_threads("waits", 0);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l6_store_and_handle_can_be_dropped_while_an_isolate_waits_for_its_restart() {
    for store_first in [true, false] {
        let store = ReactonStore::new();
        let builder = IsolateStore::builder().name("left").shared(shared![INPUT]);
        let worker = builder
            .restart(after_an_hour())
            .spawn(&store, |_| -> () { panic!("at once") })
            .expect("the worker starts");
        wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
        if store_first {
            drop(store);
            drop(worker);
        } else {
            drop(worker);
            drop(store);
        }
        wait_for_threads("left", 0);
    }
}

#[test]
fn l1_an_isolate_may_be_disposed_by_an_observer_of_its_restart() {
    let store = ReactonStore::new();
    let worker = fragile::builder().restart(at_most(9)).spawn(&store).expect("the worker starts");
    let status = *worker.status();
    let told = log(&store, &worker);
    let mut worker = Some(worker);
    store.subscribe(&status, move |_, status| {
        if matches!(status, IsolateStatus::Restarting { .. }) {
            drop(worker.take());
        }
    });
    store.set(&INPUT, 3);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    assert_eq!(*told.borrow(), [IsolateStatus::Restarting { attempt: 1 }, IsolateStatus::Disposed]);
}

#[test]
fn l1_a_worker_that_is_disposed_before_its_second_handshake_is_complete_never_begins() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let builder = IsolateStore::builder().name("threshold").shared(shared![BLOCKING]);
    let worker = builder
        .restart(at_most(1))
        .spawn(&store, move |_| -> () {
            tell.send(()).expect("the channel is open");
            panic!("at once");
        })
        .expect("the worker starts");
    receive(&told);
    let (open, blocked) = block_decode_in("threshold");
    while blocked.try_recv().is_err() {
        // A turn sends the new worker its first values. The worker answers nothing before it is released.
        store.wait(Duration::from_millis(1));
    }
    assert_eq!(store.get(worker.status()), IsolateStatus::Restarting { attempt: 1 });
    worker.dispose();
    open.send(()).expect("the channel is open");
    expect_disconnected(&told);
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
}

#[test]
fn l2_shutdown_waits_for_the_next_worker_and_loses_nothing() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![INPUT, OUTPUT]).restart(at_most(1));
    let worker = builder.spawn(&store, |store| {
        store.watch(&INPUT, |store, input| {
            assert!(*input != 1, "one");
            store.set(&OUTPUT, *input);
        });
    });
    let worker = worker.expect("the worker starts");
    store.set(&INPUT, 1);
    wait_until(&store, |store| {
        store.get(worker.status()) == IsolateStatus::Restarting { attempt: 1 }
    });
    store.set(&INPUT, 2);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), 2);
}

#[test]
fn l2_shutdown_of_a_worker_that_waits_too_long_times_out_and_can_be_tried_again() {
    let store = ReactonStore::new();
    let worker =
        fragile::builder().restart(after_an_hour()).spawn(&store).expect("the worker starts");
    store.set(&INPUT, 3);
    wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    for _ in 0..2 {
        let error =
            worker.try_shutdown(Duration::from_millis(5)).expect_err("`try_shutdown` times out");
        assert!(matches!(error, ShutdownError::TimedOut { .. }), "{error}");
    }
    worker.dispose();
    assert_eq!(worker.try_shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l3_a_worker_that_panics_during_shutdown_is_restarted_and_drained() {
    let store = ReactonStore::new();
    let worker = fragile::builder().restart(at_most(1)).spawn(&store).expect("the worker starts");
    store.batch(|store| store.set(&INPUT, 3));
    assert_eq!(
        worker.shutdown(TIMEOUT),
        Ok(()),
        "the worker ends without an error after its restart"
    );
}

#[test]
fn l3_a_worker_restarts_its_own_workers_and_takes_them_along() {
    let store = ReactonStore::new();
    let (alive, born) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
        let builder = IsolateStore::builder().shared(shared![INPUT, OUTPUT]).restart(at_most(9));
        let child = builder.spawn(store, move |store| {
            let heard = alive.clone();
            store.subscribe(&INPUT, move |store, input| {
                let _heard = &heard;
                assert!(!input.is_multiple_of(3), "a third");
                store.set(&OUTPUT, *input);
            });
            alive.send(store.get(&INPUT)).expect("the channel is open");
        });
        child.expect("the worker starts").detach();
    })
    .expect("the worker starts");
    assert_eq!(receive(&born), 0);
    for n in 1..10 {
        store.set(&INPUT, n);
        if n.is_multiple_of(3) {
            assert_eq!(receive(&born), n);
        } else {
            wait_until(&store, |store| store.get(&OUTPUT) == n);
        }
    }
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    expect_disconnected(&born);
}

#[test]
fn l3_restarts_leave_no_thread() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().name("phoenix").shared(shared![INPUT]);
    let worker = builder
        .restart(Restart::OnPanic { max: 200, within: Duration::MAX, backoff: Duration::ZERO })
        .spawn(&store, |_| -> () { panic!("again") })
        .expect("the worker starts");
    wait_until(&store, |store| store.with(worker.status(), is_failed));
    assert_eq!(worker.stats().restarts, 200);
    wait_for_threads("phoenix", 0);
}
