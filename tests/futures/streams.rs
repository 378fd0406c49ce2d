//! The changes of a reacton as a stream, polled by hand: no executor is needed to say when.

use std::task::Poll;

use reacton::prelude::*;

use crate::{COUNT, Task};

#[test]
fn every_change_is_given_once_and_in_order() {
    let (store, task) = (ReactonStore::new(), Task::new());
    store.set(&COUNT, 1);
    let mut changes = store.changes(&COUNT);
    assert_eq!(task.next(&mut changes), Poll::Pending, "it begins with the next change");
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
fn a_change_on_the_same_thread_wakes_who_waits() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let mut changes = store.changes(&COUNT);
    assert_eq!(task.next(&mut changes), Poll::Pending);
    store.set(&COUNT, 1);
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut changes), Poll::Ready(Some(1)));
}

#[test]
fn polling_takes_turns_and_what_arrives_wakes() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let mut changes = store.changes(&COUNT);
    assert_eq!(task.next(&mut changes), Poll::Pending);
    let sender = std::thread::spawn(move || handle.set(&COUNT, 7));
    sender.join().expect("the thread ends well");
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
    assert_eq!(task.next(&mut other), Poll::Ready(Some(1)), "what was heard is not lost");
    assert_eq!(task.next(&mut other), Poll::Ready(None));
}

#[test]
fn a_stream_that_is_dropped_hears_no_more_and_does_not_keep_the_store() {
    let store = ReactonStore::new();
    let changes = store.changes(&COUNT);
    let handle = store.handle();
    drop(store);
    assert!(handle.is_closed());
    drop(changes);
}
