//! One-off work and workers while all threads are busy. A separate test program, because the threads belong to the
//! process.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};

use futures_lite::future::{block_on, poll_once, zip};
use reacton::prelude::*;
use reacton::run;
use reacton_support::{in_child, within_a_minute};

/// How many tasks run at a time.
const MOST: usize = 500;

#[reacton]
static INPUT: u32 = 0;

/// Calls `f` with each number on its own thread, so that all threads are busy, and returns the results.
fn on_every_thread<T: Send + 'static>(f: fn(usize) -> T) -> Vec<T> {
    let all = Arc::new(Barrier::new(MOST));
    let start = |n| {
        let all = Arc::clone(&all);
        run(move || {
            all.wait();
            f(n)
        })
    };
    let tasks: Vec<_> = (0..MOST).map(start).collect();
    tasks.into_iter().map(|task| task.join().expect("the thread does not panic")).collect()
}

#[test]
fn while_no_thread_is_free_work_joins_work_and_workers_start_and_end() {
    // Each task waits for another task, on all threads.
    let results = on_every_thread(|n| run(move || run(move || n).join()).join());
    for (n, result) in results.into_iter().enumerate() {
        assert_eq!(result, Ok(Ok(n)));
    }
    // Workers start and end while all threads wait.
    let (go, signal) = channel::<()>();
    let signal = Arc::new(Mutex::new(signal));
    let all = Arc::new(Barrier::new(MOST + 1));
    let waiting: Vec<_> = (0..MOST)
        .map(|_| {
            let (all, signal) = (Arc::clone(&all), Arc::clone(&signal));
            run(move || {
                all.wait();
                signal
                    .lock()
                    .map(|signal| signal.recv().is_err())
                    .expect("the mutex is not poisoned")
            })
        })
        .collect();
    all.wait();
    let store = ReactonStore::new();
    let worker = block_on(IsolateStore::spawn_async(&store, shared![INPUT], |_| ()));
    assert_eq!(block_on(worker.expect("the worker starts").shutdown_async()), Ok(()));
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

#[test]
fn work_that_awaits_work_comes_to_an_end_while_no_thread_is_free() {
    in_child(|| {
        within_a_minute(|| {
            let results = on_every_thread(|n| block_on(run(move || block_on(run(move || n)))));
            for (n, result) in results.into_iter().enumerate() {
                assert_eq!(result, Ok(Ok(n)));
            }
        });
    });
}

#[test]
fn work_that_awaits_work_of_which_one_piece_answers_the_other_comes_to_an_end() {
    in_child(|| {
        within_a_minute(|| {
            let results = on_every_thread(|n| {
                // If it ran on the thread that awaits it, the first task would wait for ever.
                let (sender, receiver) = channel();
                block_on(zip(run(move || receiver.recv()), run(move || sender.send(n))))
            });
            for (n, result) in results.into_iter().enumerate() {
                assert_eq!(result, (Ok(Ok(n)), Ok(Ok(()))));
            }
        });
    });
}

#[test]
fn work_that_awaits_or_joins_work_may_be_nested_deeply() {
    fn joined(n: u32) -> u32 {
        if n == 0 {
            0
        } else {
            1 + run(move || joined(n - 1)).join().expect("the task does not panic")
        }
    }
    fn awaited(n: u32) -> u32 {
        if n == 0 {
            0
        } else {
            1 + block_on(run(move || awaited(n - 1))).expect("the task does not panic")
        }
    }
    in_child(|| {
        within_a_minute(|| {
            assert_eq!(joined(20_000), 20_000);
            assert_eq!(awaited(20_000), 20_000);
        });
    });
}

#[test]
fn one_task_that_awaits_many_starts_no_more_threads_than_the_limit() {
    in_child(|| {
        within_a_minute(|| {
            let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let pieces = run(move || {
                let work = |_| {
                    let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                    run(move || {
                        most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, SeqCst);
                    })
                };
                let mut tasks: Vec<_> = (0..4 * MOST).map(work).collect();
                // Each task is polled once before the first one is awaited.
                block_on(async {
                    for task in &mut tasks {
                        let _ = poll_once(task).await;
                    }
                });
                most.load(SeqCst)
            });
            let most = pieces.join().expect("the thread does not panic");
            assert!(most <= MOST, "{most} threads at a time");
        });
    });
}
