//! I1 to I11, L1 to L3 and L7 under a deterministic simulation: trees of stores on one thread, in schedules that seeds decide.
//!
//! An ordinary run takes 2,000 seeds, and `.ci/run` takes 10,000. `REACTON_SEEDS=1000000 REACTON_SEED=5000 cargo test
//! --release --test simulation` runs more, or others. A schedule that fails is shrunk, and printed with its seed;
//! `REACTON_SEED=that REACTON_SEEDS=1` runs it again.

#[path = "simulation/asking.rs"]
mod asking;
#[path = "simulation/fallible.rs"]
mod fallible;
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

use std::thread;

use reacton_support::{from_env, hide_panics_with};

use tree::Tally;

/// Runs all seeds, on as many threads as there are cores. Returns the sum of their tallies, or how the first seed
/// failed.
fn run_all(begin: u64, seeds: u64) -> Result<Tally, String> {
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let run_some = |first: u64| -> Result<Tally, String> {
        let mut done = Tally::default();
        for seed in (begin + first..begin + seeds).step_by(usize::try_from(threads).unwrap_or(1)) {
            done += schedule::run_seed(seed, |_| ())?;
        }
        Ok(done)
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|first| scope.spawn(move || run_some(first))).collect();
        let mut done = Tally::default();
        for thread in threads {
            done += thread.join().expect("panics are caught")?;
        }
        Ok(done)
    })
}

#[test]
fn i5_every_schedule_ends_with_equal_stores() {
    let begin = from_env("REACTON_SEED").unwrap_or(0);
    let seeds = from_env("REACTON_SEEDS").unwrap_or(2000);
    hide_panics_with(observers::PLANNED);
    let done = run_all(begin, seeds).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{seeds} seeds from {begin}: {done:?}");
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
    let failure = (0..1000).find_map(|seed| schedule::run_seed(seed, fails).err());
    let failure = failure.expect("one schedule in a thousand fails");
    assert!(failure.contains("a pool and a second worker"), "{failure}");
    // What the nodes do; between these lines, bytes move on the roads.
    let done: Vec<_> = failure.lines().filter(|line| line.starts_with("  node ")).collect();
    let spawns = done.iter().filter(|line| line.contains(" spawns ")).count();
    assert_eq!((done.len(), spawns), (3, 3), "{failure}");
}
