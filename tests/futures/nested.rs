//! S6: a future that is awaited inside of a batch, a computed or an observer ends at once, because no turn applies
//! anything there. Other tasks continue to wait.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use async_executor::LocalExecutor;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, yield_now};
use reacton::prelude::*;

use crate::{COUNT, Task};

/// Runs `f` once in each place where a turn applies nothing.
fn in_the_middle(f: impl Fn(&ReactonStore) + Clone + 'static) {
    type Place = fn(&ReactonStore, Box<dyn Fn(&ReactonStore)>);
    let places: [Place; 4] = [
        |store, f| {
            let go = store.reacton(0);
            store.subscribe(&go, move |store, _| f(store));
            store.set(&go, 1);
        },
        |store, f| {
            store.effect(move |cx| cx.untracked(|store| f(store)));
        },
        |store, f| store.batch(|store| f(store)),
        |store, f| {
            let computed = store.computed(move |cx| cx.untracked(|store| f(store)));
            store.get(&computed);
        },
    ];
    for place in places {
        let store = ReactonStore::new();
        let handle = store.handle();
        handle.set(&COUNT, 7);
        place(&store, Box::new(f.clone()));
        assert_eq!(
            (store.get(&COUNT), store.pump()),
            (0, 1),
            "a poll inside a callback has applied a transaction"
        );
    }
}

#[test]
fn s6_a_turn_that_is_awaited_inside_a_batch_applies_nothing_and_ends() {
    in_the_middle(|store| assert_eq!(block_on(store.turn()), 0));
}

#[test]
fn s6_a_stream_that_is_awaited_in_the_middle_of_something_ends() {
    in_the_middle(|store| assert_eq!(block_on(store.changes(&COUNT).next()), None));
}

#[test]
fn s6_a_turn_that_is_polled_once_in_the_middle_of_something_goes_on_after_it() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let handle = store.handle();
    let (mut turn, mut changes) = (store.turn(), store.changes(&COUNT));
    assert_eq!(task.poll(&mut turn), Poll::Pending);
    handle.set(&COUNT, 1);
    for _ in 0..2 {
        let woken = task.times_woken();
        store.batch(|_| {
            assert_eq!(task.poll(&mut turn), Poll::Pending);
            assert_eq!(task.next(&mut changes), Poll::Pending);
        });
        assert!(task.times_woken() > woken, "the task is not woken after the batch");
        assert_eq!(task.next(&mut changes), Poll::Ready(Some(1)));
        assert_eq!(
            task.poll(&mut turn),
            Poll::Pending,
            "the turn returns, though the stream has applied the transaction"
        );
        store.set(&COUNT, 0);
        assert_eq!(task.next(&mut changes), Poll::Ready(Some(0)));
        handle.set(&COUNT, 1);
    }
}

#[test]
fn s6_a_block_on_in_an_observer_ends_no_loop_of_another_task() {
    let store = ReactonStore::new();
    let executor = Rc::new(LocalExecutor::new());
    let heard = Rc::new(RefCell::new(Vec::new()));
    let (a, b) = (store.reacton(0), store.reacton(0));
    let mut changes = store.changes(&a);
    let log = Rc::clone(&heard);
    let listens = executor.spawn(async move {
        while let Some(value) = changes.next().await {
            log.borrow_mut().push(value);
        }
    });
    let (turns, handle) = (store.clone(), store.handle());
    let turns = executor.spawn(async move { while turns.turn().await > 0 {} });
    while executor.try_tick() {}
    let nested = Rc::downgrade(&executor);
    store.subscribe(&b, move |_, _| {
        let executor = nested.upgrade().expect("the executor is alive");
        block_on(executor.run(async {
            // More polls than it takes until a `block_on` of the turn itself ends.
            for _ in 0..5000 {
                yield_now().await;
            }
        }));
    });
    handle.set(&COUNT, 1);
    store.batch(|store| {
        store.set(&a, 1);
        store.set(&b, 1);
    });
    while executor.try_tick() {}
    assert_eq!((&*heard.borrow(), store.get(&COUNT)), (&vec![1], 1));
    store.set(&a, 2);
    handle.set(&COUNT, 2);
    while executor.try_tick() {}
    assert_eq!((&*heard.borrow(), store.get(&COUNT)), (&vec![1, 2], 2));
    assert!(!listens.is_finished() && !turns.is_finished());
    // The stream ends after the last handle is dropped.
    drop(handle);
    while executor.try_tick() {}
    assert!(turns.is_finished());
    store.dispose();
    while executor.try_tick() {}
    assert!(listens.is_finished());
}

#[test]
fn s6_a_task_that_is_polled_in_the_middle_of_something_is_woken_once_after_it() {
    let (store, task) = (ReactonStore::new(), Task::new());
    let _handle = store.handle();
    let (mut turn, mut changes) = (store.turn(), store.changes(&COUNT));
    assert_eq!(task.poll(&mut turn), Poll::Pending);
    assert_eq!(task.next(&mut changes), Poll::Pending);
    let woken = task.times_woken();
    store.batch(|_| {
        for _ in 0..3000 {
            assert_eq!(task.poll(&mut turn), Poll::Pending);
            assert_eq!(task.next(&mut changes), Poll::Pending);
        }
        assert_eq!(task.times_woken(), woken, "the task wakes itself inside the batch");
    });
    // Each of the two futures wakes the task, though nothing has arrived.
    assert_eq!(task.times_woken(), woken + 2);
    store.batch(|_| ());
    assert_eq!(task.times_woken(), woken + 2);
}

#[test]
fn s6_a_stream_that_was_awaited_outside_ends_in_a_block_on_in_the_middle_of_something() {
    let store = ReactonStore::new();
    let _handle = store.handle();
    let task = Task::new();
    let mut changes = store.changes(&COUNT);
    assert_eq!(task.next(&mut changes), Poll::Pending);
    store.batch(|_| assert_eq!(block_on(changes.next()), None));
    assert_eq!(task.next(&mut changes), Poll::Pending);
    store.set(&COUNT, 3);
    assert_eq!(task.next(&mut changes), Poll::Ready(Some(3)));
    // A `block_on` may have the waker that was registered last.
    store.set(&COUNT, 4);
    assert_eq!(block_on(changes.next()), Some(4));
    store.batch(|_| assert_eq!(block_on(changes.next()), None));
}

#[test]
fn s6_a_turn_that_is_refused_is_asked_for_again_after_what_refused_it() {
    let rung = Arc::new(AtomicUsize::new(0));
    let expected = Rc::new(Cell::new(0));
    let (counter, before) = (Arc::clone(&rung), Rc::clone(&expected));
    in_the_middle(move |store| {
        let counter = Arc::clone(&counter);
        store.on_wake(move || _ = counter.fetch_add(1, Ordering::SeqCst));
        // For the registration, because a task waits; after this write; and when the last handle is dropped.
        before.set(before.get() + 3);
        assert_eq!(store.pump(), 0);
    });
    assert_eq!((rung.load(Ordering::SeqCst), expected.get()), (12, 12));
}

#[test]
fn s6_a_turn_that_is_refused_in_a_computed_that_panics_is_asked_for_again() {
    let store = ReactonStore::new();
    let rung = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&rung);
    store.on_wake(move || _ = counter.fetch_add(1, Ordering::SeqCst));
    let handle = store.handle();
    handle.set(&COUNT, 1);
    let computed = store.computed(|cx| {
        cx.untracked(ReactonStore::pump);
        assert!(cx.get(&COUNT) > 0, "nothing yet");
        cx.get(&COUNT)
    });
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.get(&computed)));
    assert!(read.is_err());
    assert_eq!(rung.load(Ordering::SeqCst), 2);
    assert_eq!((store.pump(), store.get(&computed)), (1, 1));
}
