//! Virtual time: a wait of hours in a simulation takes no real time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton::testing::{Simulation, sleep};
use serde::{Deserialize, Deserializer, Serialize};

use super::{INPUT, SQUARE, square};

const HOUR: Duration = Duration::from_secs(3600);

/// Panics on each odd number.
fn fails_at_odd(store: &ReactonStore) {
    store.subscribe(&INPUT, |_, n| assert!(n % 2 == 0, "{n} is odd"));
}

fn restarting(store: &ReactonStore, restart: Restart) -> IsolateStore {
    let builder = IsolateStore::builder().shared(shared![INPUT]).restart(restart);
    builder.max_backoff(HOUR).spawn(store, fails_at_odd).expect("the worker starts")
}

/// Both kinds of simulations.
fn simulations(seed: u64) -> [fn(u64) -> Simulation; 2] {
    let _ = seed;
    [Simulation::new, Simulation::threaded]
}

#[test]
fn l3_a_worker_that_fails_once_a_day_is_restarted_for_a_year() {
    let begin = Instant::now();
    for simulation in simulations(0) {
        let simulation = simulation(0);
        let store = ReactonStore::new();
        let restart = Restart::OnPanic { max: 1, within: 12 * HOUR, backoff: HOUR };
        let worker = restarting(&store, restart);
        for day in 0..365 {
            simulation.advance(24 * HOUR);
            store.set(&INPUT, 2 * day + 1);
            simulation.settle();
            assert_eq!(store.get(worker.status()), IsolateStatus::Running, "day {day}");
        }
        assert_eq!(worker.stats().restarts, 365);
        assert!(simulation.elapsed() >= 365 * 24 * HOUR);
    }
    assert!(begin.elapsed() < HOUR, "a wait has slept");
}

#[test]
fn l3_two_failures_within_the_window_are_too_many_however_much_work_lies_between() {
    for simulation in simulations(0) {
        let simulation = simulation(1);
        let store = ReactonStore::new();
        let restart = Restart::OnPanic { max: 1, within: 12 * HOUR, backoff: Duration::ZERO };
        let worker = restarting(&store, restart);
        for n in [1, 2, 3] {
            simulation.advance(5 * HOUR);
            store.set(&INPUT, n);
        }
        simulation.settle();
        let status = store.get(worker.status());
        assert!(matches!(status, IsolateStatus::Failed { .. }), "{status:?}");
    }
}

#[test]
fn l3_a_restart_waits_for_its_backoff_and_the_status_shows_it() {
    for simulation in simulations(0) {
        let simulation = simulation(2);
        let store = ReactonStore::new();
        let restart = Restart::OnPanic { max: 9, within: HOUR, backoff: HOUR };
        let worker = restarting(&store, restart);
        store.set(&INPUT, 1);
        simulation.advance(HOUR / 2);
        assert_eq!(store.get(worker.status()), IsolateStatus::Restarting { attempt: 1 });
        simulation.advance(HOUR);
        assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    }
}

#[test]
fn l3_a_worker_that_is_disposed_while_it_waits_to_be_restarted_never_is() {
    for simulation in simulations(0) {
        let simulation = simulation(3);
        let store = ReactonStore::new();
        let restart = Restart::OnPanic { max: 9, within: HOUR, backoff: HOUR };
        let worker = restarting(&store, restart);
        store.set(&INPUT, 1);
        simulation.advance(HOUR / 2);
        worker.dispose();
        let before = simulation.elapsed();
        simulation.settle();
        assert!(simulation.elapsed() < before + HOUR / 2, "a timeout of a disposed worker is left");
        assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    }
}

/// Takes twenty seconds to decode. A handshake between threads decodes it once.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Slow(u8);

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        sleep(Duration::from_secs(20));
        u8::deserialize(from).map(Slow)
    }
}

#[reacton]
static SLOW: Slow = Slow::default();

#[test]
fn l6_a_spawn_times_out_when_its_worker_stays_silent() {
    for simulation in simulations(0) {
        for (seconds, starts) in [(10, false), (30, true)] {
            let simulation = simulation(4);
            let store = ReactonStore::new();
            store.set(&SLOW, Slow(1));
            let timeout = Duration::from_secs(seconds);
            let builder = IsolateStore::builder().shared(shared![SLOW]).handshake_timeout(timeout);
            let worker = builder.spawn(&store, |_| ());
            match worker {
                Ok(_) => assert!(starts),
                Err(SpawnError::TimedOut { timeout: passed, .. }) => {
                    assert!(!starts && passed == timeout);
                }
                Err(error) => panic!("{error}"),
            }
            assert!(simulation.elapsed() >= timeout.min(Duration::from_secs(20)));
            simulation.settle();
        }
    }
}

#[test]
fn l2_a_shutdown_times_out_while_the_worker_is_busy_and_its_result_arrives_later() {
    let simulation = Simulation::threaded(5);
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT, SQUARE], |store| {
        store.subscribe(&INPUT, |store, n| {
            sleep(HOUR);
            store.set(&SQUARE, n * n);
        });
    });
    let worker = worker.expect("the worker starts");
    store.set(&INPUT, 3);
    let timeout = Duration::from_secs(60);
    let error = worker.try_shutdown(timeout).expect_err("`try_shutdown` times out");
    assert!(matches!(error, ShutdownError::TimedOut { .. }), "{error}");
    assert!(simulation.elapsed() < Duration::from_secs(61));
    assert_eq!(worker.shutdown(2 * HOUR), Ok(()));
    assert_eq!(store.get(&SQUARE), 9);
}

#[test]
fn a_wait_takes_its_timeout_and_no_longer() {
    for simulation in simulations(0) {
        let simulation = simulation(6);
        let store = ReactonStore::new();
        let _worker = square::spawn(&store).expect("the worker starts");
        simulation.settle();
        let before = simulation.elapsed();
        assert_eq!(store.run_until(HOUR, |_| false), Err(RunError::TimedOut));
        let passed = simulation.elapsed().saturating_sub(before);
        assert!(passed >= HOUR && passed < HOUR + Duration::from_secs(1), "{passed:?}");
        assert_eq!(store.wait(HOUR), 0);
    }
}

#[test]
fn a_wait_ends_with_a_timer_that_passes_in_the_step_of_another_store() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let backoff = Duration::from_millis(1);
        let worker = restarting(&store, Restart::OnPanic { max: 9, within: HOUR, backoff });
        let _other = square::spawn(&store).expect("the worker starts");
        store.set(&INPUT, 1);
        let restarted = store.run_until(HOUR, |store| {
            worker.stats().restarts == 1 && store.get(worker.status()) == IsolateStatus::Running
        });
        assert_eq!(restarted, Ok(()), "seed {seed}");
        assert!(simulation.elapsed() < Duration::from_secs(1), "seed {seed}");
    }
}

#[test]
fn a_condition_is_asked_when_time_has_passed_and_never_by_the_clock_of_the_system() {
    let simulation = Simulation::new(7);
    let store = ReactonStore::new();
    let _worker = square::spawn(&store).expect("the worker starts");
    let asked = Rc::new(Cell::new(0));
    let asks = Rc::clone(&asked);
    store.set(&INPUT, 5);
    let squared = store.run_until(HOUR, move |store| {
        asks.set(asks.get() + 1);
        store.get(&SQUARE) == 25
    });
    assert_eq!(squared, Ok(()));
    assert!(asked.get() > 1 && simulation.elapsed() < Duration::from_secs(1));
}

#[test]
fn time_ends_where_no_instant_is_later() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let _worker = square::spawn(&store).expect("the worker starts");
    simulation.advance(Duration::from_secs(i64::MAX as u64 - 100_000_000));
    store.set(&INPUT, 3);
    simulation.advance(Duration::MAX);
    assert_eq!(store.get(&SQUARE), 9);
    assert_eq!(simulation.settle(), 0);
}
