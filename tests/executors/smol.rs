//! smol's executor: a store among the tasks of a `LocalExecutor`, and one that tasks of many threads reach.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use async_executor::{Executor, LocalExecutor};
use futures::FutureExt;
use futures_lite::future::{block_on, yield_now};
use reacton::prelude::*;

use crate::{BACKLOG, SLICES, SQUARE};

#[test]
fn a_worker_answers_a_task_of_a_local_executor() {
    let (store, executor) = (ReactonStore::new(), LocalExecutor::new());
    block_on(executor.run(async {
        let worker = crate::square::spawn_async(&store).await.expect("the worker starts");
        let turns = executor.spawn(crate::turns(store.clone()));
        let asking = executor.spawn(crate::ask(store.clone(), store.changes(&SQUARE)));
        assert_eq!(asking.await, 10_000);
        assert_eq!(worker.shutdown_async().await, Ok(()));
        turns.await;
    }));
}

#[test]
fn a_flood_does_not_starve_the_other_tasks_of_a_local_executor() {
    let ((store, _handle), executor) = (crate::flooded(), LocalExecutor::new());
    let ticks = Rc::new(Cell::new(0));
    let ticking = executor.spawn(crate::tick(Rc::clone(&ticks)));
    let turn = executor.spawn(store.turn());
    assert_eq!(block_on(executor.run(turn)), BACKLOG as usize);
    assert!(ticks.get() >= SLICES, "{} ticks", ticks.get());
    drop(ticking);
}

#[test]
fn a_task_that_is_cancelled_leaves_the_rest_of_its_turn_to_the_next() {
    let ((store, _handle), executor) = (crate::flooded(), LocalExecutor::new());
    let taken = block_on(executor.run(async {
        let turn = executor.spawn(store.turn());
        while store.get(&crate::INPUT) == 0 {
            yield_now().await;
        }
        assert_eq!(turn.cancel().await, None, "the turn was cancelled before its end");
        let before = store.get(&crate::INPUT);
        (before as usize, store.turn().await)
    }));
    assert!(taken.0 > 0 && taken.1 > 0);
    assert_eq!(taken.0 + taken.1, BACKLOG as usize);
}

#[test]
fn tasks_of_many_threads_reach_a_store_through_its_handle() {
    let (handle, serving) = crate::serve();
    let (executor, (stop, stopped)) = (Executor::new(), futures::channel::oneshot::channel::<()>());
    let stopped = stopped.shared();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| block_on(executor.run(stopped.clone())));
        }
        let asking = executor.spawn(crate::ask_from_afar(handle));
        assert_eq!(block_on(asking), Ok(10_000));
        drop(stop);
    });
    assert_eq!(serving.join().expect("the thread does not panic"), 10_000);
}
