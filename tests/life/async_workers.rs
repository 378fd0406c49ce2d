//! Async workers: one future on the worker's own thread.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_lite::future::{yield_now, zip};
use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_until};

use crate::{INPUT, OUTPUT};

/// Copies INPUT to OUTPUT after each turn. Never returns.
#[worker(shared = [INPUT, OUTPUT])]
async fn turning(store: ReactonStore, alive: Sender<()>) {
    let _alive = alive;
    loop {
        store.turn().await;
        store.set(&OUTPUT, store.get(&INPUT));
    }
}

#[test]
fn an_async_worker_takes_turns() {
    let store = ReactonStore::new();
    let (alive, _ended) = channel();
    let _worker = turning::spawn(&store, alive).expect("the worker starts");
    for n in 1..100 {
        store.set(&INPUT, n);
        wait_until(&store, |store| store.get(&OUTPUT) == n);
    }
}

#[test]
fn l1_dispose_ends_an_async_worker_that_waits_for_a_turn() {
    let store = ReactonStore::new();
    let (alive, ended) = channel();
    let worker = turning::spawn(&store, alive).expect("the worker starts");
    worker.dispose();
    expect_disconnected(&ended);
}

#[test]
fn l2_shutdown_ends_an_async_worker_and_loses_nothing() {
    let store = ReactonStore::new();
    let (alive, ended) = channel();
    let worker = turning::spawn(&store, alive).expect("the worker starts");
    (1..=1000).for_each(|n| store.set(&INPUT, n));
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), 1000);
    expect_disconnected(&ended);
}

#[test]
fn l4_an_async_worker_ends_when_main_is_dropped() {
    let store = ReactonStore::new();
    let (alive, ended) = channel();
    let worker = turning::spawn(&store, alive).expect("the worker starts");
    drop(store);
    expect_disconnected(&ended);
    drop(worker);
}

/// Waits for something that never happens.
#[worker(shared = [INPUT])]
async fn waiting(store: ReactonStore, tell: Sender<u32>) {
    tell.send(store.get(&INPUT)).expect("the channel is open");
    pending::<()>().await;
}

#[test]
fn l1_dispose_ends_an_async_worker_that_waits_for_something_else() {
    let store = ReactonStore::new();
    for _ in 0..50 {
        let (tell, told) = channel();
        let worker = waiting::spawn(&store, tell).expect("the worker starts");
        receive(&told);
        worker.dispose();
        expect_disconnected(&told);
    }
}

/// Returns after one turn. Its subscriptions stay active.
#[worker(shared = [INPUT, OUTPUT])]
async fn returning(store: ReactonStore, offset: u32) -> Result<(), String> {
    store.subscribe(&INPUT, move |store, input| store.set(&OUTPUT, input + offset));
    store.turn().await;
    if store.get(&INPUT) == 13 { Err(String::from("bad luck")) } else { Ok(()) }
}

#[test]
fn when_an_async_worker_returns_it_goes_on_taking_turns() {
    let store = ReactonStore::new();
    let worker = returning::spawn(&store, 10).expect("the worker starts");
    for n in 1..10 {
        store.set(&INPUT, n);
        wait_until(&store, |store| store.get(&OUTPUT) == n + 10);
    }
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l3_an_error_or_a_panic_of_an_async_worker_is_a_failure() {
    #[worker(shared = [INPUT])]
    async fn panicking(store: ReactonStore) {
        store.turn().await;
        panic!("after {}", store.get(&INPUT));
    }
    let store = ReactonStore::new();
    let worker = returning::spawn(&store, 0).expect("the worker starts");
    store.set(&INPUT, 13);
    wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let error = worker.shutdown(TIMEOUT).expect_err("the worker has failed");
    assert!(error.to_string().contains("bad luck"), "{error}");

    let worker = panicking::spawn(&store).expect("the worker starts");
    store.set(&INPUT, 14);
    wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let error = worker.shutdown(TIMEOUT).expect_err("the worker has failed");
    assert!(error.to_string().contains("after 14"), "{error}");
}

/// Ready once another thread has called `notify`.
#[derive(Clone, Default)]
struct Notification(Arc<Mutex<(bool, Option<Waker>)>>);

impl Notification {
    fn notify(&self) {
        let waker = {
            let mut notification = self.0.lock().expect("the mutex is not poisoned");
            notification.0 = true;
            notification.1.take()
        };
        waker.expect("a task waits for the notification").wake();
    }
}

impl Future for Notification {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut notification = self.0.lock().expect("the mutex is not poisoned");
        if notification.0 {
            return Poll::Ready(());
        }
        notification.1 = Some(context.waker().clone());
        Poll::Pending
    }
}

#[test]
fn an_async_worker_is_woken_from_any_thread() {
    #[worker(shared = [INPUT, OUTPUT])]
    async fn waits_for_it(store: ReactonStore, notification: Notification) {
        store.set(&INPUT, 1);
        notification.await;
        store.set(&OUTPUT, 5);
    }
    let store = ReactonStore::new();
    let notification = Notification::default();
    let worker = waits_for_it::spawn(&store, notification.clone()).expect("the worker starts");
    wait_until(&store, |store| store.get(&INPUT) == 1);
    while notification.0.lock().expect("the mutex is not poisoned").1.is_none() {
        std::thread::yield_now();
    }
    notification.notify();
    wait_until(&store, |store| store.get(&OUTPUT) == 5);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn an_async_worker_is_an_ordinary_function_too() {
    let store = ReactonStore::new();
    store.set(&INPUT, 1);
    let mut worker = std::pin::pin!(returning(store.clone(), 1));
    let handle = store.handle();
    let mut context = Context::from_waker(Waker::noop());
    assert!(worker.as_mut().poll(&mut context).is_pending());
    handle.set(&INPUT, 2);
    assert_eq!(worker.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    assert_eq!(store.get(&OUTPUT), 3);
}

/// Counts its turns. A turn that applies nothing is the end.
#[worker(shared = [INPUT, OUTPUT])]
async fn counting(store: ReactonStore) {
    while store.turn().await > 0 {
        store.set(&OUTPUT, store.get(&INPUT));
    }
    store.set(&OUTPUT, u32::MAX);
}

#[test]
fn a_turn_of_nothing_is_the_end_and_not_a_subscription() {
    let store = ReactonStore::new();
    let worker = counting::spawn(&store).expect("the worker starts");
    worker.pause(&OUTPUT);
    worker.resume(&OUTPUT);
    store.set(&INPUT, 3);
    wait_until(&store, |store| store.get(&OUTPUT) == 3);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), u32::MAX);
}

/// In one poll, one branch is woken while the other waits for a thread, which parks this one.
#[worker(shared = [OUTPUT])]
async fn parks_in_between(store: ReactonStore) -> Result<(), SpawnError> {
    let inner = store.clone();
    let spawned = async move { IsolateStore::spawn(&inner, SharedSet::from([]), |_| {}) };
    let ((), child) = zip(yield_now(), spawned).await;
    drop(child?);
    store.set(&OUTPUT, 1);
    Ok(())
}

#[test]
fn an_async_worker_is_woken_though_something_else_parks_its_thread() {
    let store = ReactonStore::new();
    for _ in 0..20 {
        store.set(&OUTPUT, 0);
        let worker = parks_in_between::spawn(&store).expect("the worker starts");
        wait_until(&store, |store| store.get(&OUTPUT) == 1);
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    }
}
