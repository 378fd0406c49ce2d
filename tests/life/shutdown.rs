//! L2: a shutdown loses nothing, and never waits longer than its timeout.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_until};

use crate::{INPUT, OUTPUT, Stuck, copier};

#[reacton]
static STEPS: u64 = 0;

#[reacton]
static ECHO: u64 = 0;

const MANY: u64 = 5000;

/// Short enough for a test, which always waits until it has passed.
const SHORT: Duration = Duration::from_millis(20);

fn echo(store: &ReactonStore) {
    store.subscribe(&STEPS, |store, steps| store.set(&ECHO, *steps));
}

fn heard(store: &ReactonStore) -> Rc<Cell<u64>> {
    let count = Rc::new(Cell::new(0));
    let heard = Rc::clone(&count);
    store.subscribe(&ECHO, move |_, _| count.set(count.get() + 1));
    heard
}

#[test]
fn l2_shutdown_loses_nothing_in_either_direction() {
    let store = ReactonStore::new();
    let heard = heard(&store);
    let worker =
        IsolateStore::spawn(&store, shared![STEPS, ECHO], echo).expect("the worker starts");
    (1..=MANY).for_each(|n| store.set(&STEPS, n));
    let status = *worker.status();
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!((store.get(&ECHO), heard.get()), (MANY, MANY));
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
}

#[test]
fn l2_shutdown_of_three_workers_loses_nothing() {
    let store = ReactonStore::new();
    let workers: Vec<_> = (0..3)
        .map(|_| {
            IsolateStore::spawn(&store, shared![STEPS, ECHO], echo).expect("the worker starts")
        })
        .collect();
    (1..=MANY).for_each(|n| store.set(&STEPS, n));
    for worker in workers {
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
        assert_eq!(store.get(&ECHO), MANY);
    }
}

#[test]
fn l2_what_the_entry_wrote_arrives_too() {
    let store = ReactonStore::new();
    let heard = heard(&store);
    let worker = IsolateStore::spawn(&store, shared![ECHO], |store| {
        (1..=MANY).for_each(|n| store.set(&ECHO, n));
    });
    assert_eq!(worker.expect("the worker starts").shutdown(TIMEOUT), Ok(()));
    assert_eq!(heard.get(), MANY);
}

/// A worker whose own worker does the work.
fn grandparent(store: &ReactonStore, delivery: Delivery) -> IsolateStore {
    let builder = IsolateStore::builder().shared(shared![STEPS, ECHO]).delivery(delivery);
    let worker = builder.clone().spawn(store, move |store| {
        builder.spawn(store, echo).expect("the worker starts").detach();
    });
    worker.expect("the worker starts")
}

#[test]
fn l2_the_isolates_of_a_worker_are_drained_first() {
    let store = ReactonStore::new();
    let heard = heard(&store);
    let worker = grandparent(&store, Delivery::Every);
    (1..=MANY).for_each(|n| store.set(&STEPS, n));
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!((store.get(&ECHO), heard.get()), (MANY, MANY));
}

#[test]
fn l2_the_isolates_of_a_worker_are_drained_first_under_latest() {
    let store = ReactonStore::new();
    let worker = grandparent(&store, Delivery::Latest);
    (1..=MANY).for_each(|n| store.set(&STEPS, n));
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&ECHO), MANY);
}

#[test]
fn l2_an_isolate_that_is_spawned_while_its_worker_drains_is_drained_too() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT, ECHO], |store| {
        // The first isolate answers while its worker is draining; that answer spawns the second isolate.
        store.subscribe(&OUTPUT, |store, _| {
            let second = IsolateStore::spawn(store, shared![ECHO], |store| store.set(&ECHO, 7));
            second.expect("the worker starts").detach();
        });
        copier(store).0.detach();
    })
    .expect("the worker starts");
    store.set(&INPUT, 1);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!((store.get(&OUTPUT), store.get(&ECHO)), (1, 7));
}

#[test]
fn l2_what_mains_observers_answer_on_the_way_out_stays_in_main() {
    let store = ReactonStore::new();
    store.subscribe(&ECHO, |store, echo| store.set(&STEPS, echo + 1000));
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![STEPS, ECHO], move |store| {
        store.subscribe(&STEPS, move |store, steps| {
            tell.send(*steps).expect("the channel is open");
            store.set(&ECHO, *steps);
        });
    })
    .expect("the worker starts");
    store.set(&STEPS, 1);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&STEPS), 1001);
    assert_eq!(receive(&told), 1);
    expect_disconnected(&told);
}

#[test]
fn l2_shutdown_times_out_and_what_is_sent_later_still_arrives() {
    let store = ReactonStore::new();
    let Stuck { worker, begun, go } = Stuck::begin(&store);
    let status = *worker.status();
    let error = worker.shutdown(SHORT).expect_err("`shutdown` times out");
    assert!(matches!(error, ShutdownError::TimedOut { .. }), "{error}");
    assert_eq!(store.get(&status), IsolateStatus::Running);
    go.send(()).expect("the worker is still in its callback");
    wait_until(&store, |store| store.get(&status) == IsolateStatus::Disposed);
    assert_eq!(store.get(&OUTPUT), 1);
    expect_disconnected(&begun);
}

#[test]
fn l2_shutdown_of_a_disposed_worker_times_out_too() {
    let store = ReactonStore::new();
    let Stuck { worker, begun, go } = Stuck::begin(&store);
    worker.dispose();
    let error = worker.shutdown(SHORT).expect_err("`shutdown` times out");
    assert!(matches!(error, ShutdownError::TimedOut { .. }), "{error}");
    go.send(()).expect("the worker is still in its callback");
    expect_disconnected(&begun);
}

#[test]
fn l2_shutdown_of_a_disposed_worker_joins_it() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    worker.dispose();
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert!(ended.try_recv() == Err(TryRecvError::Disconnected));
}

#[test]
fn l2_a_store_that_is_disposed_during_a_shutdown_does_not_make_it_wait() {
    let store = ReactonStore::new();
    let Stuck { worker, begun, go } = Stuck::begin(&store);
    store.handle().post(ReactonStore::dispose);
    let error = worker.shutdown(SHORT).expect_err("`shutdown` times out");
    assert!(matches!(error, ShutdownError::TimedOut { .. }), "{error}");
    assert!(store.is_disposed());
    go.send(()).expect("the worker is still in its callback");
    expect_disconnected(&begun);
}

#[test]
fn l2_shutdown_after_the_store_was_dropped_joins_the_worker() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    drop(store);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert!(ended.try_recv() == Err(TryRecvError::Disconnected));
}

#[test]
fn l2_shutdown_inside_a_batch_an_observer_or_a_computed_is_an_error_at_once() {
    let store = ReactonStore::new();
    let in_batch = copier(&store).0;
    let (in_observer, in_computed) = (copier(&store).0, copier(&store).0);
    let begin = Instant::now();
    let error =
        store.batch(|_| in_batch.shutdown(TIMEOUT)).expect_err("a shutdown in a batch fails");
    assert!(matches!(error, ShutdownError::Nested { .. }), "{error}");

    let mut worker = Some(in_observer);
    let (tell, told) = channel();
    store.subscribe(&ECHO, move |_, _| {
        if let Some(worker) = worker.take() {
            tell.send(worker.shutdown(TIMEOUT)).expect("the channel is open");
        }
    });
    store.set(&ECHO, 1);
    assert!(matches!(receive(&told), Err(ShutdownError::Nested { .. })));

    let worker = RefCell::new(Some(in_computed));
    let nested = store.computed(move |_| worker.take().map(|worker| worker.shutdown(TIMEOUT)));
    assert!(matches!(store.get(&nested), Some(Err(ShutdownError::Nested { .. }))));

    assert!(begin.elapsed() < TIMEOUT);
    store.set(&INPUT, 3);
    wait_until(&store, |store| store.get(&OUTPUT) == 3);
}

#[test]
fn l2_a_worker_that_fails_on_its_way_out_is_an_error() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], |store| {
        store.subscribe(&INPUT, |store, input| {
            store.set(&OUTPUT, *input);
            assert!(*input < 3, "three is too much");
        });
    })
    .expect("the worker starts");
    (1..=5).for_each(|n| store.set(&INPUT, n));
    match worker.shutdown(TIMEOUT) {
        Err(ShutdownError::Failed { message, .. }) => assert_eq!(message, "three is too much"),
        other => panic!("expected a failure, got {other:?}"),
    }
    assert_eq!(store.get(&OUTPUT), 3, "the writes from before the panic have arrived");
}

#[test]
fn l2_a_worker_that_had_failed_before_is_an_error_too() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |_| Err::<(), _>("no luck"));
    let worker = worker.expect("the worker starts");
    wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let error = worker.shutdown(TIMEOUT).expect_err("the worker has failed");
    assert!(error.to_string().contains("no luck"), "{error}");
}

#[test]
fn l2_a_worker_shuts_its_own_isolates_down() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![OUTPUT, ECHO], |store| {
        let child = IsolateStore::spawn(store, shared![OUTPUT], |store| store.set(&OUTPUT, 5));
        child?.shutdown(TIMEOUT)?;
        store.set(&ECHO, u64::from(store.get(&OUTPUT)));
        Ok::<(), Box<dyn std::error::Error>>(())
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.get(&ECHO) == 5);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l2_the_thread_is_joined_when_shutdown_returns() {
    // Dropped at the very end of a thread.
    thread_local!(static LAST: RefCell<Option<Sender<()>>> = const { RefCell::new(None) });
    let store = ReactonStore::new();
    for _ in 0..50 {
        let (tell, told) = channel();
        let worker = IsolateStore::spawn(&store, shared![INPUT], move |_| LAST.set(Some(tell)));
        assert_eq!(worker.expect("the worker starts").shutdown(TIMEOUT), Ok(()));
        assert_eq!(told.try_recv(), Err(TryRecvError::Disconnected));
    }
}

#[test]
fn l2_a_worker_that_takes_turns_in_its_own_function_is_shut_down_too() {
    let store = ReactonStore::new();
    let by_condition = IsolateStore::spawn(&store, shared![STEPS, ECHO], |store| {
        let ended = store.run_until(Duration::MAX, |store| store.get(&STEPS) == u64::MAX);
        assert_eq!(ended, Err(RunError::Disconnected));
        store.set(&ECHO, 1);
    })
    .expect("the worker starts");
    assert_eq!(by_condition.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&ECHO), 1, "the last write of the worker has arrived");
    let by_turns = IsolateStore::spawn(&store, shared![STEPS, ECHO], |store| {
        while !store.is_disposed() {
            store.wait(Duration::MAX);
            store.set(&ECHO, store.get(&STEPS));
        }
    })
    .expect("the worker starts");
    store.set(&STEPS, 7);
    assert_eq!(by_turns.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&ECHO), 7);
}

#[test]
fn l4_a_timeout_does_not_wait_for_a_backlog() {
    let store = ReactonStore::new();
    let handle = store.handle();
    (1..=MANY).for_each(|n| handle.set(&STEPS, n));
    assert_eq!(store.run_until(TIMEOUT, |store| store.get(&STEPS) > 0), Ok(()));
    assert!(store.get(&STEPS) < MANY, "the condition is checked only after all transactions");
    let late = store.run_until(Duration::ZERO, |store| store.get(&STEPS) == MANY);
    assert_eq!(late, Err(RunError::TimedOut));
    assert_eq!(store.run_until(TIMEOUT, |store| store.get(&STEPS) == MANY), Ok(()));
}

#[test]
fn l2_a_shutdown_that_ends_with_a_panic_of_mains_observer_loses_nothing() {
    let store = ReactonStore::new();
    let (go, signal) = channel::<()>();
    let worker = IsolateStore::spawn(&store, shared![STEPS, ECHO], move |store| {
        store.subscribe(&STEPS, move |store, steps| {
            store.set(&ECHO, *steps);
            if *steps == 1 {
                let _ = signal.recv();
            }
        });
    });
    let worker = worker.expect("the worker starts");
    let mut first = true;
    store.subscribe(&ECHO, move |_, _| {
        assert!(!std::mem::take(&mut first), "the program's own observer");
    });
    (1..=3).for_each(|n| store.set(&STEPS, n));
    let ended = catch_unwind(AssertUnwindSafe(|| worker.shutdown(TIMEOUT)));
    assert!(ended.is_err(), "the panic reaches the caller");
    drop(go);
    wait_until(&store, |store| store.get(&ECHO) == 3);
}
