//! The status of an isolate in effects, subscriptions and computeds.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, wait_until};

use crate::{INPUT, copier};

fn log(store: &ReactonStore, worker: &IsolateStore) -> Rc<RefCell<Vec<IsolateStatus>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&told);
    store.subscribe(worker.status(), move |_, status| log.borrow_mut().push(status.clone()));
    told
}

#[test]
fn a_status_is_read_in_effects_computeds_and_subscriptions() {
    let store = ReactonStore::new();
    let (worker, _ended) = copier(&store);
    let status = *worker.status();
    let told = log(&store, &worker);
    let runs = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&runs);
    let is_running = store.computed(move |cx| cx.get(&status) == IsolateStatus::Running);
    store.effect(move |cx| seen.borrow_mut().push(cx.get(&is_running)));
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    worker.dispose();
    assert_eq!(*told.borrow(), [IsolateStatus::Disposed]);
    assert_eq!(*runs.borrow(), [true, false]);
}

#[test]
fn observers_of_the_status_are_called_after_shutdown_and_after_a_dropped_handle() {
    let store = ReactonStore::new();
    let (worker, _ended) = copier(&store);
    let told = log(&store, &worker);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(*told.borrow(), [IsolateStatus::Disposed]);

    let (worker, _ended) = copier(&store);
    let told = log(&store, &worker);
    drop(worker);
    assert_eq!(*told.borrow(), [IsolateStatus::Disposed]);
}

#[test]
fn observers_of_the_status_are_called_when_a_handle_is_dropped_in_a_batch_or_an_observer() {
    let store = ReactonStore::new();
    let (worker, _ended) = copier(&store);
    let told = log(&store, &worker);
    store.batch(|_| drop(worker));
    assert_eq!(*told.borrow(), [IsolateStatus::Disposed]);

    let (worker, _ended) = copier(&store);
    let told = log(&store, &worker);
    let mut worker = Some(worker);
    store.subscribe(&INPUT, move |_, _| drop(worker.take()));
    store.set(&INPUT, 1);
    assert_eq!(*told.borrow(), [IsolateStatus::Disposed]);
}

#[test]
fn observers_of_the_status_are_called_after_a_failure() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |_| Err::<(), _>("no luck"));
    let worker = worker.expect("the worker starts");
    let told = log(&store, &worker);
    wait_until(&store, |_| !told.borrow().is_empty());
    match &told.borrow()[..] {
        [IsolateStatus::Failed { message, location: None, .. }] => assert_eq!(message, "no luck"),
        other => panic!("expected one failure, got {other:?}"),
    }
}

#[test]
fn a_status_outlives_its_isolate_and_the_disposal_of_its_store() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    let (status, last_error) = (*worker.status(), *worker.last_error());
    drop(worker);
    expect_disconnected(&ended);
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
    assert_eq!(store.get(&last_error), None);
    store.dispose();
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
}

#[test]
fn a_worker_shows_the_status_of_its_own_isolates() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |store| {
        let child = IsolateStore::spawn(store, shared![INPUT], |_| Err::<(), _>("no luck"));
        let child = child.expect("the worker starts");
        wait_until(store, |store| {
            matches!(store.get(child.status()), IsolateStatus::Failed { .. })
        });
        store.set(&INPUT, 1);
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.get(&INPUT) == 1);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
#[should_panic(expected = "another store than the one that made it")]
fn a_status_read_in_another_store_says_so() {
    let (store, other) = (ReactonStore::new(), ReactonStore::new());
    let (worker, _ended) = copier(&store);
    other.get(worker.status());
}
