//! Workers with their own loops, async workers and tasks in a simulation: the seed determines everything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::StreamExt;
use futures_lite::future::{block_on, yield_now};
use reacton::prelude::*;
use reacton::run;
use reacton::testing::Simulation;

use super::{INPUT, OTHER, SQUARE, square};

const SECOND: Duration = Duration::from_secs(1);

/// Adds the input each second until it is to end.
#[worker(shared = [INPUT, OTHER])]
fn adder(store: &ReactonStore) {
    while !store.is_disposed() {
        store.update(&OTHER, |sum| *sum += store.get(&INPUT));
        store.wait(SECOND);
    }
}

/// Waits for each input in its function.
#[worker(shared = [INPUT, SQUARE])]
fn asker(store: &ReactonStore) {
    let mut last = 0;
    while store.run_until(Duration::MAX, |store| store.get(&INPUT) != last).is_ok() {
        last = store.get(&INPUT);
        store.set(&SQUARE, last * last);
    }
}

/// Squares the values of a stream until it is to end.
#[worker(shared = [INPUT, SQUARE])]
async fn streamer(store: ReactonStore) {
    let mut inputs = store.changes(&INPUT);
    while let Some(n) = inputs.next().await {
        yield_now().await;
        store.set(&SQUARE, n * n);
    }
}

/// Squares each input in a task.
#[worker(shared = [INPUT, SQUARE])]
fn delegator(store: &ReactonStore) {
    let handle = store.handle();
    store.subscribe(&INPUT, move |_, n| {
        let (n, handle) = (*n, handle.clone());
        drop(run(move || {
            let square = run(move || n * n).join().expect("the task does not panic");
            handle.set(&SQUARE, square);
        }));
    });
}

#[test]
fn a_worker_with_a_loop_of_its_own_runs_beside_the_others() {
    for seed in 0..20 {
        let simulation = Simulation::threaded(seed);
        let store = ReactonStore::new();
        let adder = adder::spawn(&store).expect("the worker starts");
        let asker = asker::spawn(&store).expect("the worker starts");
        store.set(&INPUT, 3);
        simulation.advance(10 * SECOND);
        assert_eq!(store.get(&SQUARE), 9, "seed {seed}");
        let sum = store.get(&OTHER);
        assert!((27..=36).contains(&sum), "seed {seed}: {sum}");
        assert_eq!(asker.shutdown(SECOND), Ok(()), "seed {seed}");
        assert_eq!(adder.shutdown(SECOND), Ok(()), "seed {seed}");
    }
}

#[test]
fn an_async_worker_runs_beside_the_others_in_both_kinds_of_simulation() {
    for seed in 0..40 {
        let simulation =
            if seed % 2 == 0 { Simulation::new(seed) } else { Simulation::threaded(seed) };
        let store = ReactonStore::new();
        let worker = streamer::spawn(&store).expect("the worker starts");
        for n in 1..10 {
            store.set(&INPUT, n);
            (0..simulation.pick(4)).for_each(|_| _ = simulation.step());
        }
        simulation.settle();
        assert_eq!(store.get(&SQUARE), 81, "seed {seed}");
        store.set(&INPUT, 10);
        assert_eq!(worker.shutdown(SECOND), Ok(()), "seed {seed}");
        assert_eq!(store.get(&SQUARE), 100, "seed {seed}");
    }
}

#[test]
fn tasks_run_in_the_schedule_and_a_drain_waits_for_them() {
    for seed in 0..40 {
        let simulation =
            if seed % 2 == 0 { Simulation::new(seed) } else { Simulation::threaded(seed) };
        let store = ReactonStore::new();
        let worker = delegator::spawn(&store).expect("the worker starts");
        assert_eq!(run(|| 7).join(), Ok(7));
        assert_eq!(block_on(run(|| 8)), Ok(8));
        let detached = run(|| 9);
        drop(detached);
        store.set(&INPUT, 6);
        assert_eq!(worker.shutdown(SECOND), Ok(()), "seed {seed}");
        assert_eq!(store.get(&SQUARE), 36, "seed {seed}");
        drop(simulation);
    }
}

#[test]
fn a_worker_that_waits_for_ever_does_not_outlive_its_simulation() {
    let store = ReactonStore::new();
    for seed in 0..10 {
        let simulation = Simulation::threaded(seed);
        let worker = adder::spawn(&store).expect("the worker starts");
        let stream = streamer::spawn(&store).expect("the worker starts");
        simulation.settle();
        drop(simulation);
        store.pump();
        assert_eq!(store.get(worker.status()), IsolateStatus::Disposed, "seed {seed}");
        assert_eq!(store.get(stream.status()), IsolateStatus::Disposed, "seed {seed}");
    }
}

#[test]
fn a_seed_decides_every_step_to_the_last_cleanup() {
    let mut all = Vec::new();
    for seed in 0..200 {
        let first = trace(seed);
        assert_eq!(first, trace(seed), "seed {seed}");
        all.push(first);
    }
    all.sort_unstable();
    all.dedup();
    assert!(all.len() > 100, "only {} different schedules", all.len());
}

type Lines = Arc<Mutex<Vec<String>>>;

fn note(lines: &Lines, line: String) {
    lines.lock().expect("the mutex is not poisoned").push(line);
}

/// Records its drop.
struct Cleanup(Lines, &'static str, usize);

impl Drop for Cleanup {
    fn drop(&mut self) {
        note(&self.0, format!("{} cleans up {}", self.1, self.2));
    }
}

/// A worker that records what it receives, with cleanups that run when its store ends.
fn noting(store: &ReactonStore, lines: &Lines, name: &'static str) {
    for number in 0..5 {
        let cleanup = Cleanup(Arc::clone(lines), name, number);
        let lines = Arc::clone(lines);
        store.subscribe(&INPUT, move |store, n| {
            let _ = &cleanup;
            note(&lines, format!("{name}.{number} hears {n}"));
            store.update(&SQUARE, |square| *square += *n);
            assert!(n % 7 != 6 || number < 4, "{n} is too much");
        });
    }
}

/// Returns everything that happens in a schedule, in order.
fn trace(seed: u64) -> Vec<String> {
    let lines = Lines::default();
    {
        let threaded = seed % 2 == 1;
        let simulation = if threaded { Simulation::threaded(seed) } else { Simulation::new(seed) };
        let store = ReactonStore::new();
        let hears = Arc::clone(&lines);
        store.subscribe(&SQUARE, move |_, n| note(&hears, format!("main hears {n}")));
        let worker = |name| {
            let lines = Arc::clone(&lines);
            let builder = IsolateStore::builder().shared(shared![INPUT, SQUARE]);
            let builder = builder.restart(Restart::on_panic(3));
            builder.spawn(&store, move |store: &ReactonStore| noting(store, &lines, name))
        };
        let first = worker("first").expect("the worker starts");
        let second = worker("second").expect("the worker starts");
        let looping = threaded.then(|| adder::spawn(&store).expect("the worker starts"));
        let _stream = streamer::spawn(&store).expect("the worker starts");
        for n in 0..10 {
            store.set(&INPUT, u32::try_from(simulation.pick(20)).expect("the number fits"));
            (0..simulation.pick(5)).for_each(|_| _ = simulation.step());
            if n == 5 {
                drop(run(|| ()));
                simulation.advance(SECOND);
            }
            let line = format!("{} {:?}", store.get(&SQUARE), simulation.elapsed());
            note(&lines, line);
        }
        note(&lines, format!("{:?}", second.shutdown(SECOND)));
        note(&lines, format!("{}", simulation.settle()));
        note(&lines, format!("{:?} {:?}", first.stats(), store.get(first.status())));
        drop(looping);
        drop(store);
    }
    let mut lines = lines.lock().expect("the mutex is not poisoned");
    std::mem::take(&mut *lines)
}

#[test]
fn awaiting_in_main_steps_workers_with_threads_too() {
    for seed in 0..20 {
        let simulation = Simulation::threaded(seed);
        let store = ReactonStore::new();
        block_on(async {
            let worker = square::spawn_async(&store).await.expect("the worker starts");
            store.set(&INPUT, 3);
            while store.get(&SQUARE) != 9 {
                assert!(store.turn().await > 0, "seed {seed}");
            }
            assert_eq!(worker.shutdown_async().await, Ok(()), "seed {seed}");
            let pool =
                square::builder().pool(3).spawn_async(&store).await.expect("the pool starts");
            store.set(&INPUT, 6);
            assert_eq!(pool.shutdown_async().await, Ok(()), "seed {seed}");
            assert_eq!(store.get(&SQUARE), 36, "seed {seed}");
        });
        assert!(simulation.workers().is_empty());
    }
}
