//! L1: dispose.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_until};

use crate::{INPUT, OUTPUT, Stuck, copier};

#[test]
fn l1_dispose_ends_the_worker_and_may_be_repeated() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    worker.dispose();
    worker.dispose();
    expect_disconnected(&ended);
    worker.dispose();
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
}

#[test]
fn l1_a_handle_that_is_dropped_disposes() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    drop(worker);
    expect_disconnected(&ended);
}

#[test]
fn l1_dispose_does_not_wait_for_a_worker_in_its_callback() {
    let store = ReactonStore::new();
    let Stuck { worker, begun, go } = Stuck::begin(&store);
    worker.dispose();
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    go.send(()).expect("the worker is still in its callback");
    expect_disconnected(&begun);
    store.pump();
    assert_eq!(store.get(&OUTPUT), 0, "a value of a disposed worker was applied");
}

#[test]
fn l1_a_worker_sees_in_the_middle_of_a_callback_that_it_was_disposed() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT], move |store| {
        store.subscribe(&INPUT, move |store, _| {
            tell.send(store.is_disposed()).expect("the channel is open");
            while !store.is_disposed() {
                thread::yield_now();
            }
            tell.send(store.is_disposed()).expect("the channel is open");
        });
    })
    .expect("the worker starts");
    store.set(&INPUT, 1);
    assert!(!receive(&told));
    worker.dispose();
    assert!(receive(&told));
    expect_disconnected(&told);
    assert!(!store.is_disposed(), "main was disposed");
}

#[test]
fn l1_what_was_on_its_way_when_it_was_disposed_is_not_applied() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![OUTPUT], move |store| {
        store.set(&OUTPUT, 5);
        tell.send(()).expect("the channel is open");
    })
    .expect("the worker starts");
    receive(&told);
    worker.dispose();
    assert_eq!(store.pump(), 0);
    assert_eq!(store.get(&OUTPUT), 0);
}

/// Disposes the worker in the observer of its first message, while a second message is queued.
fn dispose_in_the_observer(delivery: Delivery) {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let builder = IsolateStore::builder().delivery(delivery).shared(shared![INPUT, OUTPUT]);
    let worker = builder.spawn(&store, move |store| {
        store.set(&OUTPUT, 1);
        tell.send(()).expect("the channel is open");
        store.set(&OUTPUT, 2);
        store.set(&INPUT, 2);
        tell.send(()).expect("the channel is open");
    });
    let worker = Rc::new(RefCell::new(worker.ok()));
    let slot = Rc::clone(&worker);
    receive(&told);
    receive(&told);
    store.subscribe(&OUTPUT, move |_, _| {
        if let Some(worker) = slot.take() {
            worker.dispose();
        }
    });
    store.pump();
    assert!(worker.borrow().is_none());
    match delivery {
        Delivery::Every => assert_eq!((store.get(&OUTPUT), store.get(&INPUT)), (1, 0)),
        Delivery::Latest => assert_eq!((store.get(&OUTPUT), store.get(&INPUT)), (2, 2)),
    }
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[test]
fn l1_after_dispose_in_an_observer_no_later_message_is_applied() {
    dispose_in_the_observer(Delivery::Every);
}

#[test]
fn l1_after_dispose_in_an_observer_nothing_more_of_the_merged_message_is_applied() {
    dispose_in_the_observer(Delivery::Latest);
}

#[test]
fn l1_dispose_in_an_observer_of_its_own_status() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    let worker = Rc::new(worker);
    let again = Rc::clone(&worker);
    let told = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&told);
    store.subscribe(worker.status(), move |_, status| {
        log.borrow_mut().push(status.clone());
        again.dispose();
    });
    worker.dispose();
    expect_disconnected(&ended);
    assert_eq!(*told.borrow(), [IsolateStatus::Disposed]);
}

#[test]
fn l1_dispose_inside_a_batch_holds_at_once() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    store.batch(|store| {
        store.set(&INPUT, 4);
        worker.dispose();
        expect_disconnected(&ended);
    });
    assert_eq!((store.get(&INPUT), store.get(&OUTPUT)), (4, 0));
}

#[test]
fn l1_disposing_one_worker_does_not_change_the_others() {
    let store = ReactonStore::new();
    let (one, ended) = copier(&store);
    let (_two, _ended_two) = copier(&store);
    one.dispose();
    expect_disconnected(&ended);
    store.set(&INPUT, 6);
    wait_until(&store, |store| store.get(&OUTPUT) == 6);
}

#[test]
fn l1_after_dispose_pause_resume_and_writes_do_nothing() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    worker.dispose();
    expect_disconnected(&ended);
    worker.pause(&INPUT);
    worker.resume(&INPUT);
    store.set(&INPUT, 1);
    assert_eq!(worker.stats(), LinkStats::default());
    assert_eq!(store.pump(), 0);
}

#[test]
fn l1_a_worker_that_waits_in_its_entry_ends_too() {
    let store = ReactonStore::new();
    for _ in 0..100 {
        let (tell, told) = channel();
        let (give, given) = channel();
        let worker = IsolateStore::spawn(&store, shared![INPUT], move |store| {
            // While a handle exists, something might still arrive.
            give.send(store.handle()).expect("the channel is open");
            tell.send(store.run_until(TIMEOUT, |_| false)).expect("the channel is open");
        })
        .expect("the worker starts");
        let handle = receive(&given);
        worker.dispose();
        assert_eq!(receive(&told), Err(RunError::Disconnected));
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
        assert!(handle.is_closed());
    }
}

#[test]
fn l1_a_worker_that_is_disposed_before_its_entry_returns_takes_no_turn() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT], move |store| {
        store.subscribe(&INPUT, move |_, input| tell.send(*input).expect("the channel is open"));
        signal.recv().expect("a message arrives");
    })
    .expect("the worker starts");
    store.set(&INPUT, 1);
    worker.dispose();
    go.send(()).expect("the channel is open");
    expect_disconnected(&told);
}

/// Panics when it is dropped on the thread that made it.
#[derive(Clone)]
struct Explosive(ThreadId);

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(thread::panicking() || thread::current().id() != self.0, "it explodes");
    }
}

/// Two workers that may be restarted, and whose arguments panic when they are dropped on this thread.
fn explosive_workers(store: &ReactonStore) -> ([IsolateStore; 2], Receiver<()>) {
    let (alive, ended) = channel();
    let policy = Restart::OnPanic { max: 1, within: TIMEOUT, backoff: Duration::ZERO };
    let workers = [(); 2].map(|()| {
        let held = (Explosive(thread::current().id()), alive.clone());
        let entry = move |store: &ReactonStore| {
            let (_, alive) = held.clone();
            store.subscribe(&INPUT, move |_, _| alive.send(()).expect("the channel is open"));
        };
        let builder = IsolateStore::builder().shared(shared![INPUT]).restart(policy);
        // The clone for the first worker is dropped on the worker's thread.
        builder.spawn(store, entry).expect("the worker starts")
    });
    (workers, ended)
}

#[test]
fn l4_every_worker_ends_with_its_store_whatever_panics_at_the_end() {
    let store = ReactonStore::new();
    let (workers, ended) = explosive_workers(&store);
    workers.into_iter().for_each(IsolateStore::detach);
    // A panic of a user value of the store must not abort the process.
    drop(store);
    expect_disconnected(&ended);
    let store = ReactonStore::new();
    let (workers, ended) = explosive_workers(&store);
    workers.into_iter().for_each(IsolateStore::detach);
    assert!(
        catch_unwind(AssertUnwindSafe(|| store.dispose())).is_err(),
        "`dispose` of the store resumes the panic"
    );
    expect_disconnected(&ended);
}

#[test]
fn l1_a_worker_that_is_disposed_ends_though_its_arguments_panic_when_they_are_dropped() {
    let store = ReactonStore::new();
    let (workers, ended) = explosive_workers(&store);
    for worker in workers {
        assert!(
            catch_unwind(AssertUnwindSafe(|| worker.dispose())).is_err(),
            "`dispose` resumes the panic"
        );
        assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    }
    expect_disconnected(&ended);
}
