//! The crew without threads: orders in every schedule.

use reacton::testing::Simulation;

use super::{Crew, Mood};
use crate::primes::known;

/// Enough for several pieces each.
const LIMIT: u64 = 10_000_000;

fn start_all(crew: &mut Crew) {
    for member in &mut crew.members {
        member.start(&crew.store).expect("it spawns");
    }
}

#[test]
fn the_quarters_add_up_to_what_is_known() {
    let simulation = Simulation::new(1);
    let mut crew = Crew::new(LIMIT);
    assert!(crew.members.iter().all(|member| member.mood(&crew.store) == Mood::Absent));
    start_all(&mut crew);
    simulation.settle();
    assert_eq!(crew.total(), (known(LIMIT).expect("it is a power of ten"), true));
    assert!(crew.members.iter().all(|member| member.mood(&crew.store) == Mood::Done));
}

#[test]
fn whatever_is_ordered_and_whoever_crashes_the_total_is_right_in_the_end() {
    let limit = 1_000_000;
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let mut crew = Crew::new(limit);
        start_all(&mut crew);
        for _ in 0..20 {
            let at = simulation.pick(4);
            let (member, store) = (&mut crew.members[at], &crew.store);
            match simulation.pick(4) {
                0 => member.start(store).expect("it spawns"),
                1 => member.cancel(store),
                2 => member.crash(store),
                _ => member.restart(store).expect("it spawns"),
            }
            for _ in 0..simulation.pick(10) {
                simulation.step();
            }
        }
        simulation.settle();
        start_all(&mut crew);
        simulation.settle();
        assert_eq!(
            crew.total(),
            (known(limit).expect("it is a power of ten"), true),
            "seed {seed}"
        );
    }
}

#[test]
fn a_worker_that_crashes_is_followed_by_another_until_it_does_so_too_often() {
    let simulation = Simulation::new(1);
    let mut crew = Crew::new(LIMIT);
    start_all(&mut crew);
    simulation.settle();
    let found = crew.total();
    for restarts in 1..=4 {
        crew.members[0].crash(&crew.store);
        simulation.settle();
        let mood = crew.members[0].mood(&crew.store);
        if restarts <= 3 {
            assert_eq!((mood, crew.members[0].stats().restarts), (Mood::Done, restarts));
        } else {
            assert_eq!(mood, Mood::Failed { message: "it was told to crash".into() });
        }
        assert_eq!(crew.total(), found);
    }
    crew.members[0].start(&crew.store).expect("it spawns");
    simulation.settle();
    assert_eq!(crew.members[0].mood(&crew.store), Mood::Done);
}

#[test]
fn closing_in_the_middle_ends_every_thread() {
    // Far more than there is time for.
    let mut crew = Crew::new(1_000_000_000_000);
    start_all(&mut crew);
    let is_under_way =
        |crew: &Crew| crew.members.iter().all(|member| member.stats().transactions_received > 2);
    crew.store
        .run_until(std::time::Duration::from_secs(90), |_| is_under_way(&crew))
        .expect("they report");
    assert_eq!(crew.close().map_err(|error| error.to_string()), Ok(()));
}
