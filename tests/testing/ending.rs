//! What outlives a simulation, and calls inside of a simulation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::RecvTimeoutError::Disconnected;
use std::sync::mpsc::channel;
use std::time::Duration;

use futures_lite::future::block_on;
use reacton::prelude::*;
use reacton::testing::{Simulation, sleep};

use super::{INPUT, SQUARE};

const SOON: Duration = Duration::from_secs(30);

/// Both kinds of simulations.
const KINDS: [fn(u64) -> Simulation; 2] = [Simulation::new, Simulation::threaded];

#[call]
static ECHO: Call<u32, u32>;

#[worker(answers = [ECHO])]
fn echo(store: &ReactonStore) {
    store.answer(&ECHO, |_, n, _| *n);
}

fn restarting(store: &ReactonStore, backoff: Duration) -> IsolateStore {
    let restart = Restart::OnPanic { max: 3, within: SOON, backoff };
    let builder = IsolateStore::builder().shared(shared![INPUT]).restart(restart);
    let worker = |store: &ReactonStore| drop(store.subscribe(&INPUT, |_, _| panic!("a panic")));
    builder.spawn(store, worker).expect("the worker starts")
}

#[test]
fn an_isolate_that_waits_for_its_restart_fails_when_its_simulation_ends() {
    for (simulation, backoff) in KINDS.into_iter().zip([Duration::ZERO, SOON]) {
        for is_seen in [true, false] {
            let simulation = simulation(1);
            let store = ReactonStore::new();
            let worker = restarting(&store, backoff);
            store.set(&INPUT, 1);
            while is_seen && store.get(worker.status()) == IsolateStatus::Running {
                assert!(simulation.step());
            }
            while !is_seen && worker.stats().waiting == 0 {
                assert!(simulation.step());
            }
            drop(simulation);
            let error = worker.shutdown(SOON).expect_err("the worker ended with the simulation");
            let ShutdownError::Failed { message, .. } = &error else { panic!("{error:?}") };
            assert!(message.contains("its simulation is over"), "{message}");
        }
    }
}

/// Panics when it is dropped.
struct Captured;

impl Drop for Captured {
    fn drop(&mut self) {
        panic!("dropping what a worker captures");
    }
}

#[test]
fn a_worker_whose_captures_panic_when_they_are_dropped_does_not_keep_its_simulation() {
    for simulation in KINDS {
        let simulation = simulation(1);
        let (store, captured) = (ReactonStore::new(), Captured);
        let worker = IsolateStore::spawn(&store, shared![INPUT], move |_| {
            let _ = &captured;
        });
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(simulation)));
        assert!(dropped.is_ok(), "the panic belongs to the worker, as on a thread");
        drop(worker);
    }
    drop(Simulation::new(2));
}

#[test]
fn a_worker_that_works_on_after_its_simulation_waits_for_nothing_and_ends() {
    let simulation = Simulation::threaded(1);
    let store = ReactonStore::new();
    let (word, words) = channel();
    let (ends, ended) = channel::<()>();
    let worker = IsolateStore::spawn(&store, shared![INPUT], move |store: &ReactonStore| {
        let _ends = ends;
        store.run_until(Duration::MAX, ReactonStore::is_disposed).expect("the store is disposed");
        // A wait that the simulation does not know of.
        words.recv().expect("a message arrives");
        sleep(SOON);
        assert_eq!(reacton::run(|| 7).join(), Ok(7));
    });
    simulation.settle();
    drop(simulation);
    word.send(()).expect("the channel is open");
    assert!(ended.recv_timeout(SOON).is_err_and(|error| error == Disconnected));
    drop(worker);
}

#[test]
fn a_thread_of_a_simulation_joins_an_answer() {
    for seed in 0..20 {
        let simulation = Simulation::threaded(seed);
        let store = ReactonStore::new();
        let worker = echo::spawn(&store).expect("the worker starts");
        let caller = worker.caller(&ECHO);
        let shared = shared![INPUT, SQUARE];
        let asker = IsolateStore::spawn(&store, shared, move |store: &ReactonStore| {
            store.set(&SQUARE, caller.call(12).join(SOON).expect("the call is answered"));
        });
        simulation.settle();
        assert_eq!(store.get(&SQUARE), 12);
        assert!(simulation.elapsed() < SOON);
        drop(asker);
    }
}

#[test]
fn an_answer_is_awaited_on_the_thread_of_a_simulation() {
    for seed in 0..20 {
        let simulation = KINDS[usize::from(seed % 2 == 0)](seed);
        let store = ReactonStore::new();
        let worker = echo::spawn(&store).expect("the worker starts");
        assert_eq!(block_on(worker.call(&ECHO, 7)), Ok(7), "seed {seed}");
        assert_eq!(block_on(worker.caller(&ECHO).call(8)), Ok(8), "seed {seed}");
        drop(simulation);
    }
}
