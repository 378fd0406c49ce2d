//! The changes of a reacton as a stream, polled by hand without an executor, so that the tests decide when.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;
use reacton::prelude::*;

use crate::{COUNT, DOUBLE, Task};

#[test]
fn every_change_is_returned_once_and_in_order() {
    let (store, task) = (ReactonStore::new(), Task::new());
    store.set(&COUNT, 1);
    let mut changes = store.changes(&COUNT);
    assert_eq!(task.next(&mut changes), Poll::Pending, "the stream begins with the current value");
    for n in 2..=4 {
        store.set(&COUNT, n);
    }
    store.set(&COUNT, 4);
    for n in 2..=4 {
        assert_eq!(task.next(&mut changes), Poll::Ready(Some(n)));
    }
    assert_eq!(task.next(&mut changes), Poll::Pending);
}

#[test]
fn a_change_on_the_same_thread_wakes_the_tasks_that_wait() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let mut changes = store.changes(&COUNT);
    assert_eq!(task.next(&mut changes), Poll::Pending);
    store.set(&COUNT, 1);
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut changes), Poll::Ready(Some(1)));
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

#[test]
fn s8_a_waker_that_panics_does_not_panic_in_the_writer_on_the_same_thread() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let mut changes = store.changes(&COUNT);
    let waker = Waker::from(Arc::new(Panics));
    let first = Pin::new(&mut changes).poll_next(&mut Context::from_waker(&waker));
    assert_eq!(first, Poll::Pending);
    store.set(&COUNT, 1);
    assert_eq!(task.next(&mut changes), Poll::Ready(Some(1)));
}

#[test]
fn polling_takes_turns_and_what_arrives_wakes() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let mut changes = store.changes(&COUNT);
    assert_eq!(task.next(&mut changes), Poll::Pending);
    let sender = std::thread::spawn(move || handle.set(&COUNT, 7));
    sender.join().expect("the thread does not panic");
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut changes), Poll::Ready(Some(7)));
}

#[test]
fn a_stream_ends_with_its_store() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let (mut one, mut other) = (store.changes(&COUNT), store.changes(&COUNT));
    store.set(&COUNT, 1);
    assert_eq!(task.next(&mut one), Poll::Ready(Some(1)));
    store.dispose();
    assert_eq!(task.next(&mut one), Poll::Ready(None));
    assert_eq!(
        task.next(&mut other),
        Poll::Ready(Some(1)),
        "a value from before the disposal is missing"
    );
    assert_eq!(task.next(&mut other), Poll::Ready(None));
}

#[test]
fn a_stream_that_is_dropped_unsubscribes_and_does_not_keep_the_store() {
    let store = ReactonStore::new();
    let changes = store.changes(&COUNT);
    let handle = store.handle();
    drop(store);
    assert!(handle.is_closed());
    drop(changes);
}

#[test]
fn a_stream_ends_when_its_reacton_is_removed_and_wakes_the_task_that_waits() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let local = store.reacton(0);
    let (mut one, mut other, mut of_a_static) =
        (store.changes(&local), store.changes(&local), store.changes(&COUNT));
    assert_eq!(task.next(&mut one), Poll::Pending);
    assert_eq!(task.next(&mut of_a_static), Poll::Pending);
    store.set(&local, 1);
    let woken = task.times_woken();
    assert_eq!(task.next(&mut one), Poll::Ready(Some(1)));
    assert_eq!(task.next(&mut one), Poll::Pending);
    store.remove(&local);
    store.remove(&COUNT);
    assert_eq!(task.times_woken(), woken + 2);
    assert_eq!(task.next(&mut one), Poll::Ready(None));
    assert_eq!(task.next(&mut of_a_static), Poll::Ready(None));
    assert_eq!(
        task.next(&mut other),
        Poll::Ready(Some(1)),
        "a value from before the disposal is missing"
    );
    assert_eq!(task.next(&mut other), Poll::Ready(None));
}

#[test]
fn a_stream_of_a_computed_that_removes_itself_ends() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let mut changes = store.changes(&DOUBLE);
    store.set(&COUNT, 1);
    store.remove(&DOUBLE);
    assert_eq!(task.next(&mut changes), Poll::Ready(Some(2)));
    assert_eq!(task.next(&mut changes), Poll::Ready(None));
}

#[test]
fn a_stream_of_a_local_ends_with_the_run_that_made_it() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let streams = Rc::new(RefCell::new(Vec::new()));
    let made = Rc::clone(&streams);
    store.effect(move |cx| {
        let local = cx.store().reacton(cx.get(&COUNT));
        made.borrow_mut().push(cx.store().changes(&local));
    });
    store.set(&COUNT, 1);
    let mut streams = streams.borrow_mut();
    assert_eq!(task.next(&mut streams[0]), Poll::Ready(None));
    assert_eq!(task.next(&mut streams[1]), Poll::Pending);
}

#[test]
fn a_stream_of_a_status_ends_when_the_handle_of_its_isolate_is_dropped() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let worker = IsolateStore::spawn(&store, shared![COUNT], |_| ()).expect("the worker starts");
    let (mut statuses, mut errors) =
        (store.changes(worker.status()), store.changes(worker.last_error()));
    assert_eq!(task.next(&mut statuses), Poll::Pending);
    drop(worker);
    assert_eq!(task.next(&mut statuses), Poll::Ready(Some(IsolateStatus::Disposed)));
    assert_eq!(task.next(&mut statuses), Poll::Ready(None));
    assert_eq!(task.next(&mut errors), Poll::Ready(None));
}
