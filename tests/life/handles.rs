//! L7, store handles, and workers with arguments.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use futures_lite::future::{block_on, zip};
use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_until};

use crate::{INPUT, OUTPUT};

/// The worker checks for a newer value in the callback for a first input, before and after main writes one.
fn staleness(delivery: Delivery) {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let (go, signal) = channel();
    let builder = IsolateStore::builder().delivery(delivery).shared(shared![INPUT, OUTPUT]);
    let worker = builder
        .spawn(&store, move |store| {
            store.subscribe(&INPUT, move |store, input| {
                tell.send((*input, store.is_stale(&INPUT))).expect("the channel is open");
                signal.recv().expect("a message arrives");
                tell.send((*input, store.is_stale(&INPUT))).expect("the channel is open");
                assert!(!store.is_stale(&OUTPUT));
            });
        })
        .expect("the worker starts");
    store.set(&INPUT, 1);
    assert_eq!(receive(&told), (1, false));
    store.set(&INPUT, 2);
    go.send(()).expect("the channel is open");
    assert_eq!(receive(&told), (1, true));
    assert_eq!(receive(&told), (2, false));
    go.send(()).expect("the channel is open");
    assert_eq!(receive(&told), (2, false));
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l7_a_worker_can_ask_whether_newer_input_waits() {
    staleness(Delivery::Every);
}

#[test]
fn l7_a_worker_can_ask_whether_newer_input_waits_under_latest() {
    staleness(Delivery::Latest);
}

/// In the callback for a first input, the worker drops its work because a newer value waits. That value turns out to be
/// equal.
fn dropped_for_an_equal_one(delivery: Delivery, write: fn(&ReactonStore)) {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let (go, signal) = channel();
    let builder = IsolateStore::builder().delivery(delivery).shared(shared![INPUT, OUTPUT]);
    let worker = builder
        .spawn(&store, move |store| {
            store.subscribe(&INPUT, move |store, input| {
                tell.send(*input).expect("the channel is open");
                signal.recv().expect("a message arrives");
                if !store.is_stale(&INPUT) {
                    store.set(&OUTPUT, *input);
                }
            });
        })
        .expect("the worker starts");
    store.set(&INPUT, 1);
    assert_eq!(receive(&told), 1);
    write(&store);
    go.send(()).expect("the channel is open");
    assert_eq!(receive(&told), 1, "the observer is not called again for the work that was dropped");
    go.send(()).expect("the channel is open");
    wait_until(&store, |store| store.get(&OUTPUT) == 1);
    // One more call is enough: a value that `is_stale` did not report causes a call only if it differs.
    store.update(&INPUT, |_| ());
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert!(told.try_recv().is_err());
}

#[test]
fn l7_work_that_was_dropped_for_a_newer_value_is_asked_for_again_though_that_comes_out_equal() {
    dropped_for_an_equal_one(Delivery::Every, |store| store.update(&INPUT, |_| ()));
    // The two writes are merged into one value, which the worker already has.
    dropped_for_an_equal_one(Delivery::Latest, |store| {
        store.set(&INPUT, 2);
        store.set(&INPUT, 1);
    });
}

#[test]
fn l7_main_can_ask_too_and_what_is_paused_is_not_stale() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![OUTPUT], move |store| {
        store.set(&OUTPUT, 1);
        tell.send(()).expect("the channel is open");
    })
    .expect("the worker starts");
    receive(&told);
    assert!(store.is_stale(&OUTPUT) && !store.is_stale(&INPUT));
    worker.pause(&OUTPUT);
    assert!(!store.is_stale(&OUTPUT));
    worker.resume(&OUTPUT);
    assert!(store.is_stale(&OUTPUT));
    store.set(&OUTPUT, 5);
    store.set(&OUTPUT, 6);
    assert!(!store.is_stale(&OUTPUT), "a queued value that is older than main's counts as newer");
    store.pump();
    assert_eq!(store.get(&OUTPUT), 6);
}

#[test]
fn a_handle_writes_to_main_from_any_thread_and_the_workers_see_it() {
    let store = ReactonStore::new();
    let (worker, _ended) = crate::copier(&store);
    let handle = store.handle();
    let writer = thread::spawn(move || {
        handle.set(&INPUT, 1);
        handle.update(&INPUT, |input| *input += 1);
        handle.batch(|store| {
            store.set(&INPUT, 100);
            store.set(&INPUT, store.get(&INPUT) + 1);
        });
        handle.post(|store| store.update(&INPUT, |input| *input += 1));
    });
    wait_until(&store, |store| store.get(&OUTPUT) == 102);
    writer.join().expect("the thread does not panic");
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn a_handle_may_outlive_the_store_of_its_worker() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
        tell.send(store.handle()).expect("the channel is open");
    })
    .expect("the worker starts");
    let handle = receive(&told);
    handle.set(&OUTPUT, 9);
    wait_until(&store, |store| store.get(&OUTPUT) == 9);
    assert!(!handle.is_closed());
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert!(handle.is_closed());
    handle.set(&OUTPUT, 10);
    assert_eq!(store.pump(), 0);
}

#[test]
fn many_threads_write_through_handles_and_nothing_is_lost() {
    let store = ReactonStore::new();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let handle = store.handle();
            thread::spawn(move || {
                for _ in 0..500 {
                    handle.update(&INPUT, |input| *input += 1);
                }
            })
        })
        .collect();
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    assert_eq!(store.get(&INPUT), 2000);
    for thread in threads {
        thread.join().expect("the thread does not panic");
    }
}

#[test]
fn on_wake_is_called_when_a_worker_has_sent_something() {
    let store = ReactonStore::new();
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&wakes);
    let (tell, told) = channel();
    store.on_wake(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        // Main may have dropped its receiver.
        let _ = tell.send(());
    });
    let (worker, _ended) = crate::copier(&store);
    for n in 1..20 {
        store.set(&INPUT, n);
        receive(&told);
        store.pump();
        assert_eq!(store.get(&OUTPUT), n);
    }
    assert_eq!(wakes.load(Ordering::SeqCst), 19, "one wake-up for each turn");
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

struct Job {
    factor: u32,
    inbox: Receiver<u32>,
}

#[worker(shared = [OUTPUT], name = "with-arguments")]
fn with_arguments(store: &ReactonStore, job: Job, tell: Sender<Option<String>>, mut sum: u32) {
    for number in job.inbox {
        sum += number * job.factor;
    }
    store.set(&OUTPUT, sum);
    let name = thread::current().name().map(str::to_owned);
    tell.send(name).expect("the channel is open");
    drop(tell);
}

#[test]
fn a_worker_takes_arguments_of_its_own() {
    let store = ReactonStore::new();
    let (give, inbox) = channel();
    let (tell, told) = channel();
    let worker = with_arguments::spawn(&store, Job { factor: 10, inbox }, tell, 1)
        .expect("the worker starts");
    assert_eq!(worker.name(), "with-arguments");
    (1..=3).for_each(|number| give.send(number).expect("the channel is open"));
    drop(give);
    assert_eq!(receive(&told).as_deref(), Some("with-arguments"));
    wait_until(&store, |store| store.get(&OUTPUT) == 61);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    expect_disconnected(&told);
}

#[test]
fn a_builder_of_a_worker_has_more_options() {
    let store = ReactonStore::new();
    let (give, inbox) = channel();
    let (tell, told) = channel();
    let worker = with_arguments::builder()
        .name("another")
        .delivery(Delivery::Latest)
        .spin(Duration::ZERO)
        .stack_size(256 * 1024)
        .handshake_timeout(TIMEOUT)
        .spawn(&store, Job { factor: 1, inbox }, tell, 5)
        .expect("the worker starts");
    drop(give);
    assert_eq!(receive(&told).as_deref(), Some("another"));
    assert_eq!(worker.name(), "another");
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), 5);
}

#[test]
fn l7_work_that_was_dropped_for_what_a_handle_wrote_is_asked_for_again_though_that_comes_out_equal()
{
    let store = ReactonStore::new();
    let handle = store.handle();
    let done = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&done);
    store.subscribe(&INPUT, move |store, input| {
        if !store.is_stale(&INPUT) {
            log.borrow_mut().push(*input);
        }
    });
    handle.set(&INPUT, 7);
    handle.set(&INPUT, 7);
    assert_eq!((store.pump(), done.take()), (2, vec![7]));
    handle.set(&INPUT, 8);
    handle.update(&INPUT, |input| *input += 1);
    assert_eq!((store.pump(), done.take()), (2, vec![9]), "the observer is called once");
    handle.set(&INPUT, 9);
    store.pump();
    assert!(done.take().is_empty(), "the observer is called, though `is_stale` was not");
}

#[test]
fn a_turn_that_was_refused_in_a_batch_is_requested_again_after_it() {
    let store = ReactonStore::new();
    let (handle, wakes) = (store.handle(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&wakes);
    store.on_wake(move || _ = counter.fetch_add(1, Ordering::SeqCst));
    let trigger = store.reacton(0);
    let (inner, seen) = (handle.clone(), Arc::clone(&wakes));
    // A modal dialog does the same: its event loop runs inside of an observer.
    let dialog = move |store: &ReactonStore| {
        let before = seen.load(Ordering::SeqCst);
        inner.update(&INPUT, |input| *input += 1);
        assert_eq!(seen.load(Ordering::SeqCst), before + 1, "the callback is called");
        assert_eq!(store.pump(), 0, "`pump` in an observer applies nothing");
        assert_eq!(
            seen.load(Ordering::SeqCst),
            before + 1,
            "the callback is not called for the refused turn"
        );
    };
    let in_observer = dialog.clone();
    store.subscribe(&trigger, move |store, _| in_observer(store));
    store.set(&trigger, 1);
    assert_eq!(wakes.load(Ordering::SeqCst), 2, "the callback is called again after the round");
    assert_eq!((store.pump(), store.get(&INPUT)), (1, 1));
    store.batch(&dialog);
    assert_eq!(wakes.load(Ordering::SeqCst), 4, "the callback is called again after the batch");
    assert_eq!((store.pump(), store.get(&INPUT)), (1, 2));
    handle.post(move |store| dialog(store));
    assert_eq!(
        (store.pump(), wakes.load(Ordering::SeqCst)),
        (1, 7),
        "the callback is called again after the turn"
    );
    assert_eq!((store.pump(), store.get(&INPUT)), (1, 3));
}

#[test]
fn what_is_no_transaction_is_bounded_too() {
    let store = ReactonStore::new();
    let (handle, reads) = (store.handle(), Arc::new(AtomicUsize::new(0)));
    let count = || reads.load(Ordering::SeqCst);
    let replies: Vec<_> = (0..300)
        .map(|_| {
            let reads = Arc::clone(&reads);
            handle.with(&INPUT, move |_| reads.fetch_add(1, Ordering::SeqCst))
        })
        .collect();
    assert_eq!((store.pump_at_most(1), count()), (0, 64));
    assert_eq!((store.pump_at_most(100), count()), (0, 164));
    let ended = store.run_until(Duration::MAX, |_| count() > 164);
    assert_eq!((ended, count()), (Ok(()), 228), "the condition is checked every 64 requests");
    store.pump();
    assert_eq!(count(), replies.len());
}

/// Panics when it is dropped on the thread that made it.
struct Explosive(ThreadId);

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(thread::panicking() || thread::current().id() != self.0, "it explodes");
    }
}

#[test]
fn s10_what_waits_is_dropped_with_the_store_whatever_panics_among_it() {
    let store = ReactonStore::new();
    let (handle, held) = (store.handle(), Arc::new(()));
    let _local = store.reacton(Some(Arc::clone(&held)));
    let explosive = Explosive(thread::current().id());
    let first = handle.get(&INPUT);
    let _exploded = handle.post(move |_| drop(explosive));
    let second = handle.get(&INPUT);
    let panicked = catch_unwind(AssertUnwindSafe(|| store.dispose()));
    assert!(panicked.is_err(), "`dispose` resumes the panic");
    assert_eq!(Arc::strong_count(&held), 1, "a request was not dropped");
    assert_eq!(block_on(zip(first, second)), (Err(HandleError::Closed), Err(HandleError::Closed)));
}
