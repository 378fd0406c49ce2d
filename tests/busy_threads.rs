//! One-off work and workers while no thread is free. A test program of its own, because the threads are those of the process.

use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};

use futures_lite::future::block_on;
use reacton::prelude::*;
use reacton::run;

/// As many as run at a time.
const MOST: usize = 500;

#[reacton]
static INPUT: u32 = 0;

#[test]
fn while_no_thread_is_free_work_joins_work_and_workers_start_and_end() {
    // Work that joins work, when all threads run such work.
    let all = Arc::new(Barrier::new(MOST));
    let outer: Vec<_> = (0..MOST)
        .map(|n| {
            let all = Arc::clone(&all);
            run(move || {
                all.wait();
                run(move || run(move || n).join()).join()
            })
        })
        .collect();
    for (n, task) in outer.into_iter().enumerate() {
        assert_eq!(task.join(), Ok(Ok(Ok(n))));
    }
    // Workers, when all threads wait.
    let (go, gone) = channel::<()>();
    let gone = Arc::new(Mutex::new(gone));
    let all = Arc::new(Barrier::new(MOST + 1));
    let waiting: Vec<_> = (0..MOST)
        .map(|_| {
            let (all, gone) = (Arc::clone(&all), Arc::clone(&gone));
            run(move || {
                all.wait();
                gone.lock().map(|gone| gone.recv().is_err()).expect("nothing panics")
            })
        })
        .collect();
    all.wait();
    let store = ReactonStore::new();
    let worker = block_on(IsolateStore::spawn_async(&store, shared![INPUT], |_| ()));
    assert_eq!(block_on(worker.expect("it starts").shutdown_async()), Ok(()));
    drop(go);
    for task in waiting {
        assert_eq!(task.join(), Ok(true));
    }
}

#[test]
fn work_that_joins_work_to_any_depth_comes_to_an_end() {
    fn sum(from: u32, to: u32) -> Result<u32, TaskError> {
        if to - from == 1 {
            return Ok(from);
        }
        let middle = u32::midpoint(from, to);
        let left = run(move || sum(from, middle));
        let right = run(move || sum(middle, to));
        Ok(left.join()?? + right.join()??)
    }
    assert_eq!(sum(0, 2000), Ok(1_999_000));
}
