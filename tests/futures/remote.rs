//! The changes of a reacton, received on another thread than that of its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use futures_lite::StreamExt;
use reacton::prelude::*;

use crate::{COUNT, DOUBLE, Task};

/// Counts how often it is cloned: each receiver clones it.
#[derive(Default, Debug)]
struct Counted(u32, Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.1.fetch_add(1, Ordering::SeqCst);
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

#[reacton]
static COUNTED: Counted = Counted::default();

#[test]
fn watch_returns_the_current_value_and_then_the_newest() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    store.set(&COUNT, 1);
    let (mut watched, mut double) = (handle.watch(&COUNT), handle.watch(&DOUBLE));
    assert_eq!(task.next(&mut watched), Poll::Pending);
    assert_eq!(store.pump(), 0, "a subscription counts as a transaction");
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut watched), Poll::Ready(Some(1)));
    assert_eq!(task.next(&mut watched), Poll::Pending);
    (2..100).for_each(|n| store.set(&COUNT, n));
    store.set(&COUNT, 99);
    assert_eq!(task.times_woken(), 2);
    assert_eq!(task.next(&mut watched), Poll::Ready(Some(99)));
    assert_eq!(task.next(&mut watched), Poll::Pending);
    assert_eq!(task.next(&mut double), Poll::Ready(Some(198)), "a computed can be watched, too");
}

#[test]
fn watch_keeps_one_value_however_slow_its_reader_is() {
    let store = ReactonStore::new();
    let watched = store.handle().watch(&COUNTED);
    store.pump();
    let clones = Arc::new(AtomicUsize::new(0));
    (1..1000).for_each(|n| store.set(&COUNTED, Counted(n, Arc::clone(&clones))));
    assert_eq!(clones.load(Ordering::SeqCst), 999);
    // Ours, that of the store, and that of the stream that waits.
    assert_eq!(Arc::strong_count(&clones), 3);
    drop(watched);
    assert_eq!(Arc::strong_count(&clones), 2);
}

#[test]
fn changes_returns_every_change_that_comes_after_it() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    handle.set(&COUNT, 1);
    let mut changes = handle.changes(&COUNT);
    (2..100).for_each(|n| handle.set(&COUNT, n));
    store.pump();
    for n in 2..100 {
        assert_eq!(task.next(&mut changes), Poll::Ready(Some(n)));
    }
    assert_eq!(task.next(&mut changes), Poll::Pending);
}

#[test]
fn a_stream_ends_with_its_store_and_loses_no_value_from_before() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let (mut one, mut other) = (handle.watch(&COUNT), handle.changes(&COUNT));
    store.pump();
    store.set(&COUNT, 1);
    assert_eq!(task.next(&mut one), Poll::Ready(Some(1)));
    assert_eq!(task.next(&mut one), Poll::Pending);
    store.dispose();
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut one), Poll::Ready(None));
    assert_eq!(task.next(&mut other), Poll::Ready(Some(1)));
    assert_eq!(task.next(&mut other), Poll::Ready(None));
}

#[test]
fn a_stream_ends_when_its_reacton_is_removed() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let mut watched = store.handle().watch(&COUNT);
    store.pump();
    store.remove(&COUNT);
    assert_eq!(task.next(&mut watched), Poll::Ready(Some(0)));
    assert_eq!(task.next(&mut watched), Poll::Ready(None));
}

#[test]
fn a_stream_ends_when_a_shared_reacton_is_removed() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let _worker = IsolateStore::spawn(&store, shared![COUNT], |_| ()).expect("the worker starts");
    let mut changes = store.handle().changes(&COUNT);
    store.pump();
    assert_eq!(task.next(&mut changes), Poll::Pending);
    store.remove(&COUNT);
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut changes), Poll::Ready(None));
}

#[test]
fn a_stream_that_is_dropped_ends_its_subscription_at_the_next_turn() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let (mut watched, changes) = (handle.watch(&COUNTED), handle.changes(&COUNTED));
    store.pump();
    assert!(task.next(&mut watched).is_ready());
    assert!(task.next(&mut watched).is_pending());
    drop(watched);
    assert_eq!(task.kept(), 0);
    drop(changes);
    assert_eq!(store.pump(), 0);
    let clones = Arc::new(AtomicUsize::new(0));
    store.set(&COUNTED, Counted(1, Arc::clone(&clones)));
    assert_eq!(clones.load(Ordering::SeqCst), 0, "a value without a subscriber was cloned");
}

#[test]
fn a_stream_that_is_dropped_ends_its_subscription_at_the_next_change() {
    let store = ReactonStore::new();
    let watched = store.handle().watch(&COUNTED);
    store.pump();
    drop(watched);
    let clones = Arc::new(AtomicUsize::new(0));
    (1..10).for_each(|n| store.set(&COUNTED, Counted(n, Arc::clone(&clones))));
    assert!(clones.load(Ordering::SeqCst) <= 1, "a dropped stream ends only with a turn");
    assert_eq!(Arc::strong_count(&clones), 2);
    store.pump();
}

#[test]
fn a_stream_that_is_dropped_before_the_next_turn_never_subscribes() {
    let store = ReactonStore::new();
    let clones = Arc::new(AtomicUsize::new(0));
    store.set(&COUNTED, Counted(1, Arc::clone(&clones)));
    drop(store.handle().watch(&COUNTED));
    store.pump();
    store.set(&COUNTED, Counted(2, Arc::clone(&clones)));
    assert_eq!(clones.load(Ordering::SeqCst), 0);
}

#[test]
fn a_stream_does_not_keep_its_store_waiting() {
    let store = ReactonStore::new();
    let handle = store.handle();
    let watched = handle.watch(&COUNT);
    drop(handle);
    let waited = store.run_until(std::time::Duration::MAX, |_| false);
    assert_eq!(waited, Err(RunError::Disconnected));
    drop(watched);
    drop(store);
}

#[test]
fn an_observer_may_drop_a_stream_of_the_same_reacton() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let watched = store.handle().watch(&COUNT);
    let mut watched = Some(watched);
    store.subscribe(&COUNT, move |_, _| drop(watched.take()));
    store.pump();
    store.set(&COUNT, 1);
    store.set(&COUNT, 2);
    store.pump();
    let mut again = store.handle().watch(&COUNT);
    store.pump();
    assert_eq!(task.next(&mut again), Poll::Ready(Some(2)));
}

#[test]
fn a_stream_on_another_thread_returns_the_last_value_and_then_ends() {
    let store = ReactonStore::new();
    let (watched, mut changes) = (store.handle().watch(&COUNT), store.handle().changes(&COUNT));
    let newest = thread::spawn(move || {
        let last = watched.inspect(|n| assert!(*n <= 10_000)).fold(0, |last, n| {
            assert!(n >= last, "{n} after {last}");
            n
        });
        futures_lite::future::block_on(last)
    });
    let every = thread::spawn(move || {
        futures_lite::future::block_on(async {
            for n in 1..=10_000 {
                assert_eq!(changes.next().await, Some(n));
            }
            changes.next().await
        })
    });
    store.pump();
    (1..=10_000).for_each(|n| store.set(&COUNT, n));
    drop(store);
    assert_eq!(newest.join().expect("the thread does not panic"), 10_000);
    assert_eq!(every.join().expect("the thread does not panic"), None);
}
