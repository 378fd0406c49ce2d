//! `futures::executor`: `block_on`, and a pool of tasks on one thread.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use futures::executor::{LocalPool, block_on};
use futures::future::{Either, join, select};
use futures::task::LocalSpawnExt;
use reacton::prelude::*;
use reacton_support::TIMEOUT;

use crate::{BACKLOG, INPUT, SLICES, SQUARE};

#[test]
fn a_worker_answers_a_future_that_is_blocked_on() {
    let store = ReactonStore::new();
    let worker = block_on(crate::squares::spawn_async(&store)).expect("the worker starts");
    // A stream takes turns itself: no other task is needed.
    assert_eq!(block_on(crate::ask(store.clone(), store.changes(&SQUARE))), 10_000);
    assert_eq!(block_on(worker.shutdown_async()), Ok(()));
}

#[test]
fn a_worker_answers_a_task_of_a_local_pool() {
    let (store, mut pool) = (ReactonStore::new(), LocalPool::new());
    let worker = crate::square::spawn(&store).expect("the worker starts");
    let spawner = pool.spawner();
    spawner.spawn_local(crate::turns(store.clone())).expect("the pool of tasks is alive");
    let asked = pool.run_until(crate::ask(store.clone(), store.changes(&SQUARE)));
    assert_eq!(asked, 10_000);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    // The task that takes turns has ended, too.
    pool.run();
}

#[test]
fn a_flood_does_not_starve_what_is_blocked_on_beside_it() {
    let (store, _handle) = crate::flooded();
    let ticks = Rc::new(Cell::new(0));
    let ticking = pin!(crate::tick(Rc::clone(&ticks)));
    let Either::Left((taken, _)) = block_on(select(store.turn(), ticking)) else {
        panic!("the turn did not end");
    };
    assert_eq!(taken, BACKLOG as usize);
    assert!(ticks.get() >= SLICES, "{} ticks", ticks.get());
}

#[test]
fn a_turn_is_dropped_in_the_middle_and_another_goes_on() {
    let (store, _handle) = crate::flooded();
    let first = block_on(async {
        let begun = pin!(async {
            while store.get(&INPUT) == 0 {
                futures_lite::future::yield_now().await;
            }
        });
        match select(begun, store.turn()).await {
            Either::Left(((), _turn)) => store.get(&INPUT),
            Either::Right(_) => panic!("the turn ended in its first poll"),
        }
    });
    assert_eq!(first as usize + block_on(store.turn()), BACKLOG as usize);
}

#[test]
fn a_store_is_reached_through_its_handle() {
    let (handle, serving) = crate::serve();
    let reads = handle.clone();
    let (asked, read) = block_on(join(crate::ask_from_afar(handle), reads.get(&INPUT)));
    drop(reads);
    assert_eq!((asked, read), (Ok(10_000), Ok(0)));
    assert_eq!(serving.join().expect("the thread does not panic"), 10_000);
}
