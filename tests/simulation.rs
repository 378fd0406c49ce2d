//! I1 to I11, L1 to L3 and L7 under a deterministic simulation: trees of stores on one thread, in schedules that seeds decide.
//!
//! An ordinary run takes 1,000 seeds, and `.ci/run` takes 3,000. `REACTON_SEEDS=1000000 REACTON_SEED=5000 cargo test
//! --release --test simulation` runs more, or others. A schedule that fails is shrunk, and printed with its seed;
//! `REACTON_SEED=that REACTON_SEEDS=1` runs it again.

#[path = "simulation/asking.rs"]
mod asking;
#[path = "simulation/counting.rs"]
mod counting;
#[path = "simulation/fallible.rs"]
mod fallible;
#[path = "simulation/hosts.rs"]
mod hosts;
#[path = "simulation/jobs.rs"]
mod jobs;
#[path = "simulation/machines.rs"]
mod machines;
#[path = "simulation/merging.rs"]
mod merging;
#[path = "simulation/observers.rs"]
mod observers;
#[path = "simulation/oracle.rs"]
mod oracle;
#[path = "simulation/reentrant.rs"]
mod reentrant;
#[path = "simulation/requests.rs"]
mod requests;
#[path = "simulation/restarts.rs"]
mod restarts;
#[path = "simulation/schedule.rs"]
mod schedule;
#[path = "simulation/steps.rs"]
mod steps;
#[path = "simulation/tree.rs"]
mod tree;

use reacton_support::hide_panics_with;

#[test]
fn i5_every_schedule_ends_with_equal_stores() {
    let (seeds, done) = schedule::run_all(|simulation| tree::Tree::new(simulation).run(|_| ()));
    // Without this, a simulation that does nothing would pass. A single seed that is run again says nothing about the
    // mean.
    if seeds < 100 {
        return;
    }
    assert!(done.steps > 20 * seeds && done.stores > 2 * seeds && done.compared > 4 * seeds);
    assert!(done.restarts * 10 > seeds && done.value_code_runs > seeds);
    assert!(done.dropped * 10 > seeds && done.refused * 20 > seeds);
    assert!(done.answered > seeds && done.previewed > seeds / 4 && done.jobs > seeds / 2);
    assert!(
        done.settings * 2 > seeds && done.members_left * 5 > seeds && done.timed_out * 10 > seeds
    );
    assert!(done.refused_parts * 20 > seeds, "too few parts of jobs that are not serialized");
    assert!(done.away > seeds && done.killed * 10 > seeds);
    assert!(done.failed * 1000 > seeds, "too few workers with too many restarts");
}

#[test]
fn a_schedule_that_fails_is_shrunk_to_the_few_steps_that_matter() {
    hide_panics_with(observers::PLANNED);
    // Stands for a fault in a long schedule that needs two things to happen.
    let fails = |tree: &tree::Tree| {
        assert!(tree.tally.pools == 0 || tree.tally.stores < 2, "a pool and a second worker");
    };
    let play = |simulation| tree::Tree::new(simulation).run(fails);
    let failure = (0..1000).find_map(|seed| schedule::run_seed(seed, play).err());
    let failure = failure.expect("one schedule in a thousand fails");
    assert!(failure.contains("a pool and a second worker"), "{failure}");
    // What the nodes do; between these lines, bytes move on the roads.
    let done: Vec<_> = failure.lines().filter(|line| line.starts_with("  node ")).collect();
    let spawns = done.iter().filter(|line| line.contains(" spawns ")).count();
    assert_eq!((done.len(), spawns), (3, 3), "{failure}");
}
