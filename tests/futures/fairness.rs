//! Turns and streams let other tasks run, and can be dropped at any time.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use reacton::prelude::*;

use crate::{COUNT, DOUBLE, Task};

/// More transactions than one poll applies.
const SLICE: u32 = 64;
const BACKLOG: u32 = 10_000;

/// A store with a backlog of so many transactions.
fn flooded(backlog: u32) -> (ReactonStore, StoreHandle) {
    let store = ReactonStore::new();
    let handle = store.handle();
    (1..=backlog).for_each(|n| handle.set(&COUNT, n));
    (store, handle)
}

#[test]
fn a_turn_applies_a_backlog_over_many_polls_and_counts_all_of_it() {
    let (store, handle) = flooded(BACKLOG);
    let (mut turn, task) = (store.turn(), Task::new());
    let mut polls = 0;
    loop {
        let (before, woken) = (store.get(&COUNT), task.times_woken());
        let polled = task.poll(&mut turn);
        let taken = store.get(&COUNT) - before;
        assert!(taken <= SLICE, "one poll applied {taken} transactions");
        polls += 1;
        match polled {
            Poll::Ready(taken) => {
                assert_eq!(taken, BACKLOG as usize);
                break;
            }
            // Items that arrive now belong to the next turn.
            Poll::Pending => handle.set(&COUNT, BACKLOG + polls),
        }
        assert!(task.times_woken() > woken, "the task is not woken for the next slice");
    }
    assert!(polls >= BACKLOG / SLICE);
    assert_eq!(store.get(&COUNT), BACKLOG);
    assert!(store.pump() > 0);
}

#[test]
fn a_loop_of_turns_lets_other_tasks_run_though_the_inbox_is_never_empty() {
    let (store, handle) = flooded(1);
    // A transaction arrives whenever one is applied, so each turn finds one.
    store.subscribe(&COUNT, move |_, count| handle.set(&COUNT, count + 1));
    let mut turns = pin!(async {
        loop {
            store.turn().await;
        }
    });
    let task = Task::new();
    for _ in 0..100 {
        let (before, woken) = (store.get(&COUNT), task.times_woken());
        assert!(turns.as_mut().poll(&mut Context::from_waker(&task.waker)).is_pending());
        let taken = store.get(&COUNT) - before;
        assert!((1..=SLICE).contains(&taken), "one poll applied {taken} transactions");
        assert!(task.times_woken() > woken);
    }
}

#[test]
fn items_that_change_no_value_are_applied_in_slices_and_count_as_no_turn() {
    let store = ReactonStore::new();
    let handle = store.handle();
    let reads = Arc::new(AtomicUsize::new(0));
    let replies: Vec<_> = (0..BACKLOG)
        .map(|_| {
            let reads = Arc::clone(&reads);
            handle.with(&COUNT, move |_| reads.fetch_add(1, Ordering::SeqCst))
        })
        .collect();
    let (mut turn, task) = (store.turn(), Task::new());
    let mut polls = 0;
    while reads.load(Ordering::SeqCst) < replies.len() {
        let before = reads.load(Ordering::SeqCst);
        assert_eq!(task.poll(&mut turn), Poll::Pending);
        assert!(reads.load(Ordering::SeqCst) - before <= SLICE as usize);
        polls += 1;
    }
    assert!(polls >= BACKLOG / SLICE);
    handle.set(&COUNT, 1);
    assert_eq!(task.poll(&mut turn), Poll::Ready(1));
    drop(handle);
    let mut turn = store.turn();
    assert_eq!(task.poll(&mut turn), Poll::Ready(0), "no mailbox is left, so the turn ends");
}

#[test]
fn a_stream_applies_slices_of_the_inbox_whether_or_not_they_change_its_reacton() {
    let (store, _handle) = flooded(BACKLOG);
    store.watch(&COUNT, |_, _| ());
    let (parity, task) = (store.computed(|cx| cx.get(&COUNT) / BACKLOG), Task::new());
    let mut changes = store.changes(&parity);
    let mut polls = 0;
    loop {
        let (before, woken) = (store.get(&COUNT), task.times_woken());
        let polled = task.next(&mut changes);
        assert!(store.get(&COUNT) - before <= SLICE);
        polls += 1;
        if let Poll::Ready(value) = polled {
            assert_eq!(value, Some(1));
            break;
        }
        assert!(task.times_woken() > woken);
    }
    assert!(polls >= BACKLOG / SLICE);
}

#[test]
fn a_stream_of_every_change_lets_other_tasks_run() {
    let (store, handle) = flooded(BACKLOG);
    let (mut changes, task) = (store.changes(&COUNT), Task::new());
    let (mut heard, mut pauses, mut in_a_row) = (0, 0, 0);
    while heard < BACKLOG {
        match task.next(&mut changes) {
            Poll::Ready(value) => {
                heard += 1;
                in_a_row += 1;
                assert_eq!(value, Some(heard));
                assert!(in_a_row <= SLICE);
            }
            Poll::Pending => (pauses, in_a_row) = (pauses + 1, 0),
        }
    }
    assert!(pauses >= BACKLOG / SLICE - 1);
    drop(handle);
}

#[test]
fn a_turn_that_is_dropped_in_the_middle_loses_nothing() {
    let (store, _handle) = flooded(1000);
    let (task, wakes) = (Task::new(), Rc::new(Cell::new(0)));
    let counter = Rc::clone(&wakes);
    store.subscribe(&COUNT, move |_, _| counter.set(counter.get() + 1));
    let mut turn = store.turn();
    assert_eq!(task.poll(&mut turn), Poll::Pending);
    let taken = store.get(&COUNT);
    assert!(taken > 0 && taken < 1000);
    drop(turn);
    assert_eq!(store.pump(), 1000 - taken as usize);
    assert_eq!((store.get(&COUNT), wakes.get()), (1000, 1000), "each transaction is applied once");
}

#[test]
fn a_turn_that_is_dropped_in_the_middle_wakes_the_other_tasks_that_wait() {
    let store = ReactonStore::new();
    let handle = store.handle();
    let (first, second) = (Task::new(), Task::new());
    let (mut one, mut other) = (store.turn(), store.turn());
    assert_eq!((first.poll(&mut one), second.poll(&mut other)), (Poll::Pending, Poll::Pending));
    (1..=1000).for_each(|n| handle.set(&COUNT, n));
    assert_eq!((first.times_woken(), second.times_woken()), (1, 1));
    assert_eq!(second.poll(&mut other), Poll::Pending);
    assert_eq!(first.poll(&mut one), Poll::Pending);
    let woken = second.times_woken();
    assert!(woken > 1);
    drop(one);
    // The other task applies what is left, in any number of polls. It must be woken before each.
    loop {
        let woken = second.times_woken();
        if second.poll(&mut other).is_ready() {
            break;
        }
        assert!(second.times_woken() > woken);
    }
    assert_eq!(store.get(&COUNT), 1000);
}

#[test]
fn two_turns_share_what_is_there_and_both_come_back() {
    let (store, handle) = flooded(500);
    let task = Task::new();
    let (mut one, mut other) = (store.turn(), store.turn());
    let (mut first, mut second) = (Poll::Pending, Poll::Pending);
    while first.is_pending() && second.is_pending() {
        first = task.poll(&mut one);
        second = task.poll(&mut other);
    }
    handle.set(&COUNT, 501);
    for (polled, turn) in [(&mut first, &mut one), (&mut second, &mut other)] {
        while polled.is_pending() {
            *polled = task.poll(turn);
        }
    }
    let (Poll::Ready(first), Poll::Ready(second)) = (first, second) else {
        panic!("both turns are ready");
    };
    assert_eq!(first + second + store.pump(), 501);
    assert!(first > 0 && second > 0);
}

#[test]
fn what_is_dropped_while_it_waits_leaves_no_waker_behind() {
    let store = ReactonStore::new();
    let _handle = store.handle();
    let task = Task::new();
    for _ in 0..3 {
        let (mut turn, mut changes) = (store.turn(), store.changes(&COUNT));
        for _ in 0..3 {
            assert_eq!(task.poll(&mut turn), Poll::Pending);
            assert_eq!(task.next(&mut changes), Poll::Pending);
        }
        assert!(task.kept() > 0);
        drop(turn);
        drop(changes);
        assert_eq!(task.kept(), 0);
    }
    let mut turn = store.turn();
    assert_eq!(task.poll(&mut turn), Poll::Pending);
    let next = Task::new();
    assert_eq!(next.poll(&mut turn), Poll::Pending);
    assert_eq!((task.kept(), next.kept()), (0, 1), "the task that polled last is woken");
}

#[test]
fn a_panic_in_the_middle_of_a_turn_leaves_the_rest_for_the_next() {
    let (store, _handle) = flooded(1000);
    let guard = store.subscribe(&COUNT, |_, count| assert_ne!(*count, 500, "the count is 500"));
    let (mut turn, task) = (store.turn(), Task::new());
    let polled = catch_unwind(AssertUnwindSafe(|| while task.poll(&mut turn).is_pending() {}));
    assert!(polled.is_err());
    drop(turn);
    guard.unsubscribe();
    assert_eq!(store.get(&COUNT), 500);
    let mut turn = store.turn();
    loop {
        if let Poll::Ready(taken) = task.poll(&mut turn) {
            assert_eq!(taken, 500);
            break;
        }
    }
    assert_eq!(store.get(&DOUBLE), 2000);
}

#[test]
fn a_turn_ends_with_a_store_that_ends_in_the_middle_of_it() {
    let (store, _handle) = flooded(1000);
    store.subscribe(&COUNT, |store, count| {
        if *count == 100 {
            store.dispose();
        }
    });
    let (mut turn, task) = (store.turn(), Task::new());
    assert_eq!(task.poll(&mut turn), Poll::Pending);
    assert_eq!(task.poll(&mut turn), Poll::Ready(100));
}
