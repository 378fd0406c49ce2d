//! Which of several waiting tasks an arrival wakes, and what happens if such a task does something else.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::executor::{LocalPool, LocalSpawner};
use futures::task::LocalSpawnExt;
use futures_core::Stream;
use reacton::prelude::*;

use crate::{COUNT, Task};

#[reacton]
static MEMBER: Family<usize, u32> = |_| 0;

/// A stream that counts its polls.
struct Counted<S>(S, Rc<Cell<usize>>);

impl<S: Stream + Unpin> Stream for Counted<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.1.set(self.1.get() + 1);
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// Tasks that each await the changes of a different member.
struct Crowd {
    store: ReactonStore,
    pool: LocalPool,
    polls: Rc<Cell<usize>>,
    seen: Rc<RefCell<Vec<(usize, u32)>>>,
}

impl Crowd {
    fn of(count: usize) -> Self {
        let (store, pool) = (ReactonStore::new(), LocalPool::new());
        let crowd = Self { store, pool, polls: Rc::default(), seen: Rc::default() };
        for at in 0..count {
            crowd.add(&crowd.pool.spawner(), at);
        }
        crowd
    }

    fn add(&self, spawner: &LocalSpawner, at: usize) {
        let changes = self.store.changes(&MEMBER.of(at));
        let (mut changes, seen) = (Counted(changes, Rc::clone(&self.polls)), Rc::clone(&self.seen));
        let task = async move {
            while let Some(value) = changes.next().await {
                seen.borrow_mut().push((at, value));
            }
            seen.borrow_mut().push((at, u32::MAX));
        };
        spawner.spawn_local(task).expect("the worker starts");
    }

    fn run(&mut self) -> usize {
        self.polls.set(0);
        self.pool.run_until_stalled();
        self.polls.get()
    }
}

#[test]
fn an_arrival_wakes_each_task_once_however_many_there_are() {
    let polls = [300, 1200].map(|count| {
        let mut crowd = Crowd::of(count);
        let handle = crowd.store.handle();
        assert_eq!(crowd.run(), count);
        let one = |n: usize| {
            handle.set(&MEMBER.of(7 * n), 1);
            let polls = crowd.run();
            assert_eq!(crowd.seen.take(), [(7 * n, 1)]);
            polls
        };
        (0..20).map(one).max().expect("the range is not empty")
    });
    // The task whose member is written is polled once more for its value, and once for what follows.
    assert!(polls[0] <= 300 + 2 && polls[1] <= 1200 + 2, "{polls:?}");
}

/// A task keeps the stream that it has polled, and awaits something else by now.
fn kept_streams(store: &ReactonStore, pool: &LocalPool, count: usize) {
    for at in 0..count {
        let mut changes = store.changes(&MEMBER.of(at));
        let task = async move {
            let tick = futures_lite::future::yield_now();
            futures::future::select(changes.next(), std::pin::pin!(tick)).await;
            futures::future::pending::<()>().await;
            drop(changes);
        };
        pool.spawner().spawn_local(task).expect("the worker starts");
    }
}

#[test]
fn what_arrives_is_applied_though_many_tasks_keep_streams_that_they_do_not_poll() {
    let mut crowd = Crowd::of(0);
    kept_streams(&crowd.store, &crowd.pool, 20);
    crowd.add(&crowd.pool.spawner(), 99);
    crowd.run();
    crowd.store.handle().set(&MEMBER.of(99), 5);
    crowd.run();
    assert_eq!(crowd.seen.take(), [(99, 5)]);
}

#[test]
fn what_arrives_is_applied_by_another_executor_of_the_thread() {
    let mut crowd = Crowd::of(20);
    crowd.run();
    // That executor does not run while the program waits for another one.
    let (task, mut changes) = (Task::new(), crowd.store.changes(&COUNT));
    assert_eq!(task.next(&mut changes), Poll::Pending);
    crowd.store.handle().set(&COUNT, 5);
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut changes), Poll::Ready(Some(5)));
}

#[test]
fn each_task_gets_its_value_of_one_transaction() {
    let mut crowd = Crowd::of(100);
    crowd.run();
    let handle = crowd.store.handle();
    drop(handle.batch(|store| (0..100).for_each(|at| store.set(&MEMBER.of(at), 5))));
    crowd.run();
    let mut seen = crowd.seen.take();
    seen.sort_unstable();
    assert!(seen.into_iter().eq((0..100).map(|at| (at, 5))));
}

#[test]
fn all_tasks_are_woken_when_the_store_ends() {
    let mut crowd = Crowd::of(100);
    crowd.run();
    crowd.store.dispose();
    crowd.run();
    assert_eq!(crowd.seen.borrow().len(), 100);
}

#[test]
fn what_arrives_is_applied_though_the_tasks_that_were_woken_are_dropped() {
    let store = ReactonStore::new();
    let (handle, task) = (store.handle(), Task::new());
    let mut streams: Vec<_> = (0..100).map(|_| (Task::new(), store.changes(&COUNT))).collect();
    for (task, stream) in &mut streams {
        assert_eq!(task.next(stream), Poll::Pending);
    }
    let mut last = store.changes(&COUNT);
    assert_eq!(task.next(&mut last), Poll::Pending);
    handle.set(&COUNT, 3);
    drop(streams);
    assert_eq!(task.times_woken(), 1);
    assert_eq!(task.next(&mut last), Poll::Ready(Some(3)));
}

#[test]
fn what_arrives_is_applied_though_the_task_that_was_woken_does_something_else() {
    let store = ReactonStore::new();
    let (handle, busy, task) = (store.handle(), Task::new(), Task::new());
    let (mut one, mut other) = (store.changes(&COUNT), store.changes(&COUNT));
    assert_eq!(busy.next(&mut one), Poll::Pending);
    assert_eq!(task.next(&mut other), Poll::Pending);
    handle.set(&COUNT, 3);
    // The first task is woken. It keeps its stream, but awaits something else now.
    assert_eq!((busy.times_woken(), task.times_woken()), (1, 1));
    assert_eq!(task.next(&mut other), Poll::Ready(Some(3)));
    drop(one);
}

#[test]
fn a_turn_is_woken_however_many_streams_wait() {
    let store = ReactonStore::new();
    let (handle, waits) = (store.handle(), Task::new());
    let mut streams: Vec<_> = (0..100).map(|_| (Task::new(), store.changes(&COUNT))).collect();
    for (task, stream) in &mut streams {
        assert_eq!(task.next(stream), Poll::Pending);
    }
    let mut turn = store.turn();
    assert_eq!(waits.poll(&mut turn), Poll::Pending);
    handle.set(&COUNT, 3);
    assert_eq!(waits.times_woken(), 1);
    assert_eq!(waits.poll(&mut turn), Poll::Ready(1));
}
