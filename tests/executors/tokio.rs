//! tokio: a store on the current-thread `LocalSet`, and one that tasks of many threads reach through a handle.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use futures_lite::StreamExt;
use futures_lite::future::or;
use reacton::prelude::*;
use reacton_support::TIMEOUT;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::{BACKLOG, INPUT, SLICES, SQUARE};

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().expect("the runtime is built")
}

#[test]
fn a_worker_answers_a_task_of_a_local_set() {
    let (store, set) = (ReactonStore::new(), LocalSet::new());
    let worker = crate::square::spawn(&store).expect("the worker starts");
    set.spawn_local(crate::turns(store.clone()));
    let answers = store.changes(&SQUARE);
    let asked = set.block_on(&current_thread(), crate::ask(store.clone(), answers));
    assert_eq!(asked, 10_000);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn a_worker_is_spawned_and_shut_down_among_other_tasks_that_take_turns() {
    let (store, set) = (ReactonStore::new(), LocalSet::new());
    // While the handle exists, the other task waits for turns.
    let handle = store.handle();
    let turns = set.spawn_local(crate::turns(store.clone()));
    set.block_on(&current_thread(), async {
        for _ in 0..20 {
            let worker = crate::square::spawn_async(&store).await.expect("the worker starts");
            let answers = store.changes(&SQUARE);
            assert_eq!(crate::ask(store.clone(), answers).await, 10_000);
            assert_eq!(worker.shutdown_async().await, Ok(()));
            store.set(&SQUARE, 0);
        }
        drop(handle);
        turns.await.expect("the task does not panic");
    });
}

#[test]
fn a_worker_is_shut_down_by_the_only_task_though_a_handle_is_left() {
    let (store, set) = (ReactonStore::new(), LocalSet::new());
    let _handle = store.handle();
    set.block_on(&current_thread(), async {
        let worker = crate::square::spawn_async(&store).await.expect("the worker starts");
        assert_eq!(worker.shutdown_async().await, Ok(()));
    });
}

#[test]
fn a_task_that_takes_turns_ends_when_nothing_can_arrive_any_more() {
    let (store, set) = (ReactonStore::new(), LocalSet::new());
    let worker = crate::squares::spawn(&store).expect("the worker starts");
    let turns = set.spawn_local(crate::turns(store.clone()));
    let asking = set.spawn_local(crate::ask(store.clone(), store.changes(&SQUARE)));
    set.block_on(&current_thread(), async {
        assert_eq!(asking.await.expect("the task does not panic"), 10_000);
        worker.dispose();
        turns.await.expect("the task does not panic");
    });
}

#[test]
fn a_flood_does_not_starve_the_other_tasks_of_a_local_set() {
    let ((store, handle), set) = (crate::flooded(), LocalSet::new());
    let ticks = Rc::new(Cell::new(0));
    set.spawn_local(crate::tick(Rc::clone(&ticks)));
    let turn = set.spawn_local(store.turn());
    let taken = set.block_on(&current_thread(), turn).expect("the turns end");
    assert_eq!(taken, BACKLOG as usize);
    assert!(ticks.get() >= SLICES, "{} ticks", ticks.get());
    drop(handle);
}

#[test]
fn a_flood_does_not_starve_a_stream_either() {
    let ((store, _handle), set) = (crate::flooded(), LocalSet::new());
    let ticks = Rc::new(Cell::new(0));
    set.spawn_local(crate::tick(Rc::clone(&ticks)));
    let mut changes = store.changes(&INPUT);
    set.block_on(&current_thread(), async move {
        while changes.next().await.expect("the store is alive") < BACKLOG {}
    });
    assert!(ticks.get() >= SLICES, "{} ticks", ticks.get());
}

#[test]
fn a_turn_that_loses_a_race_loses_nothing() {
    let ((store, _handle), set) = (crate::flooded(), LocalSet::new());
    let mut changes = store.changes(&INPUT);
    let mut dropped = 0;
    set.block_on(&current_thread(), async {
        for n in 1..=BACKLOG {
            let heard = loop {
                let mut turn = store.turn();
                // Polled while the stream yields, and dropped before it is ready.
                let turn = poll_fn(|context| {
                    let before = store.get(&INPUT);
                    let polled = Pin::new(&mut turn).poll(context);
                    dropped += u32::from(polled.is_pending() && store.get(&INPUT) > before);
                    polled
                });
                let turned = async {
                    turn.await;
                    None
                };
                let heard = async { Some(changes.next().await) };
                if let Some(heard) = or(heard, turned).await {
                    break heard;
                }
            };
            assert_eq!(heard, Some(n));
        }
    });
    assert!(dropped > 10, "only {dropped} turns were dropped before their end");
}

#[test]
fn tasks_of_many_threads_reach_a_store_through_its_handle() {
    let (handle, serving) = crate::serve();
    let runtime =
        Builder::new_multi_thread().worker_threads(2).build().expect("the runtime is built");
    runtime.block_on(async {
        let readers = (0..8).map(|_| {
            let handle = handle.clone();
            tokio::spawn(async move {
                let mut newest = 0;
                let mut squares = handle.watch(&SQUARE);
                drop(handle);
                while newest < 10_000 {
                    let square = squares.next().await.expect("the last square arrives");
                    assert!(square >= newest);
                    newest = square;
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        let asking = tokio::spawn(crate::ask_from_afar(handle));
        assert_eq!(asking.await.expect("the task does not panic"), Ok(10_000));
        for reader in readers {
            reader.await.expect("the task does not panic");
        }
    });
    assert_eq!(serving.join().expect("the thread does not panic"), 10_000);
}
