//! The workers without threads: orders in many schedules.

use reacton::testing::Simulation;

use super::{Mood, Workers};
use crate::primes::known;

/// Large enough that each worker has several pieces.
const LIMIT: u64 = 10_000_000;

fn start_all(workers: &mut Workers) {
    for member in &mut workers.members {
        member.start(&workers.store).expect("the worker starts");
    }
}

#[test]
fn the_quarters_add_up_to_what_is_known() {
    let simulation = Simulation::new(1);
    let mut workers = Workers::new(LIMIT);
    assert!(workers.members.iter().all(|member| member.mood(&workers.store) == Mood::Absent));
    start_all(&mut workers);
    simulation.settle();
    assert_eq!(workers.total(), (known(LIMIT).expect("the limit is a power of ten"), true));
    assert!(workers.members.iter().all(|member| member.mood(&workers.store) == Mood::Done));
}

#[test]
fn whatever_is_ordered_and_whichever_worker_crashes_the_total_is_right_in_the_end() {
    let limit = 1_000_000;
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let mut workers = Workers::new(limit);
        start_all(&mut workers);
        for _ in 0..20 {
            let at = simulation.pick(4);
            let (member, store) = (&mut workers.members[at], &workers.store);
            match simulation.pick(4) {
                0 => member.start(store).expect("the worker starts"),
                1 => member.cancel(store),
                2 => member.crash(store),
                _ => member.restart(store).expect("the worker starts again"),
            }
            for _ in 0..simulation.pick(10) {
                simulation.step();
            }
        }
        simulation.settle();
        start_all(&mut workers);
        simulation.settle();
        assert_eq!(
            workers.total(),
            (known(limit).expect("the limit is a power of ten"), true),
            "seed {seed}"
        );
    }
}

#[test]
fn a_worker_that_crashes_is_followed_by_another_until_it_does_so_too_often() {
    let simulation = Simulation::new(1);
    let mut workers = Workers::new(LIMIT);
    start_all(&mut workers);
    simulation.settle();
    let found = workers.total();
    for restarts in 1..=4 {
        workers.members[0].crash(&workers.store);
        simulation.settle();
        let mood = workers.members[0].mood(&workers.store);
        if restarts <= 3 {
            assert_eq!((mood, workers.members[0].stats().restarts), (Mood::Done, restarts));
        } else {
            assert_eq!(mood, Mood::Failed { message: "crashed by order".into() });
        }
        assert_eq!(workers.total(), found);
    }
    workers.members[0].start(&workers.store).expect("the worker starts");
    simulation.settle();
    assert_eq!(workers.members[0].mood(&workers.store), Mood::Done);
}

#[test]
fn closing_in_the_middle_ends_every_thread() {
    // Far more work than there is time for.
    let mut workers = Workers::new(1_000_000_000_000);
    start_all(&mut workers);
    let is_under_way = |workers: &Workers| {
        workers.members.iter().all(|member| member.stats().transactions_received > 2)
    };
    workers
        .store
        .run_until(std::time::Duration::from_secs(90), |_| is_under_way(&workers))
        .expect("all workers report");
    assert_eq!(workers.close().map_err(|error| error.to_string()), Ok(()));
}
