//! smol: a store among the tasks of a `LocalExecutor`.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use smol::LocalExecutor;

use crate::{BACKLOG, SLICES, SOON, SQUARE};

#[test]
fn a_worker_answers_a_task_of_a_local_executor() {
    let (store, executor) = (ReactonStore::new(), LocalExecutor::new());
    let worker = crate::square::spawn(&store).expect("it starts");
    let turns = executor.spawn(crate::turns(store.clone()));
    let asking = executor.spawn(crate::ask(store.clone(), store.changes(&SQUARE)));
    smol::block_on(executor.run(async {
        assert_eq!(asking.await, 10_000);
        assert_eq!(worker.shutdown(SOON), Ok(()));
        turns.await;
    }));
}

#[test]
fn a_flood_does_not_starve_the_other_tasks_of_a_local_executor() {
    let ((store, _handle), executor) = (crate::flooded(), LocalExecutor::new());
    let ticks = Rc::new(Cell::new(0));
    let ticking = executor.spawn(crate::tick(Rc::clone(&ticks)));
    let turn = executor.spawn(store.turn());
    assert_eq!(smol::block_on(executor.run(turn)), BACKLOG as usize);
    assert!(ticks.get() >= SLICES, "{} ticks", ticks.get());
    drop(ticking);
}

#[test]
fn a_task_that_is_cancelled_leaves_the_rest_of_its_turn_to_the_next() {
    let ((store, _handle), executor) = (crate::flooded(), LocalExecutor::new());
    let taken = smol::block_on(executor.run(async {
        let turn = executor.spawn(store.turn());
        while store.get(&crate::INPUT) == 0 {
            smol::future::yield_now().await;
        }
        assert_eq!(turn.cancel().await, None, "it was in the middle of it");
        let before = store.get(&crate::INPUT);
        (before as usize, store.turn().await)
    }));
    assert!(taken.0 > 0 && taken.1 > 0);
    assert_eq!(taken.0 + taken.1, BACKLOG as usize);
}

#[test]
fn tasks_of_many_threads_reach_a_store_through_its_handle() {
    let (handle, serving) = crate::serve();
    let asking = smol::spawn(crate::ask_from_afar(handle));
    assert_eq!(smol::block_on(asking), Ok(10_000));
    assert_eq!(serving.join().expect("it ends well"), 10_000);
}
