//! Runs one schedule by its seed, and shrinks it if it fails.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::testing::Simulation;
use reacton_support::{panic_text, quietly, shrink};

use crate::tree::{Tally, Tree};

/// Enough to come close to the shortest schedule. They take a few seconds.
const MOST_RUNS: usize = 2000;

/// How a run ended, and its choices.
struct Run {
    result: Result<Tally, String>,
    choices: Vec<usize>,
    /// For each thing that happened, how many choices were made before.
    starts: Vec<usize>,
    trace: String,
}

thread_local! {
    static STARTS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Called when the next thing happens, after this many choices.
pub(crate) fn next_begins(choices: usize) {
    STARTS.with_borrow_mut(|starts| starts.push(choices));
}

fn run(simulation: Simulation, check: fn(&Tree)) -> Run {
    let simulation = Rc::new(simulation);
    let run = AssertUnwindSafe(|| {
        STARTS.take();
        Tree::new(Rc::clone(&simulation)).run(check)
    });
    let result = catch_unwind(run).map_err(|payload| panic_text(&*payload));
    let (choices, trace) = (simulation.choices(), simulation.trace());
    Run { result, choices, starts: STARTS.take(), trace }
}

/// Runs the schedule of a seed. If it fails, the error contains the message, and the steps of the shortest failing
/// schedule that was found.
pub(crate) fn run_seed(seed: u64, check: fn(&Tree)) -> Result<Tally, String> {
    let failed = quietly(|| run(Simulation::new(seed), check));
    let first = match failed.result {
        Ok(tally) => return Ok(tally),
        Err(message) => message,
    };
    // With `--nocapture`, this message appears before the shrinking, which takes seconds.
    println!("seed {seed} fails, and is shrunk now: {first}");
    let again = |choices: &[usize]| quietly(|| run(Simulation::replay(choices.to_vec()), check));
    let before = failed.choices.len();
    let choices = leave_out(failed.choices, failed.starts, again);
    let choices = shrink(choices, MOST_RUNS, |choices| again(choices).result.is_err());
    let Run { result, trace, .. } = again(&choices);
    let Err(message) = result else {
        return Err(format!(
            "seed {seed}: {first}\nIt does not fail again: something is not decided by the seed."
        ));
    };
    let steps: Vec<_> = trace.lines().map(|line| format!("  {line}")).collect();
    Err(format!(
        "seed {seed}: {first}\n\
         Run it again with REACTON_SEED={seed} REACTON_SEEDS=1.\n\
         Shrunk from {before} choices to {}, it fails with: {message}\n{}",
        choices.len(),
        steps.join("\n")
    ))
}

/// Leaves out whole things that happen, as long as the schedule still fails: several at a time, then one by one.
fn leave_out(
    mut choices: Vec<usize>,
    mut starts: Vec<usize>,
    run: impl Fn(&[usize]) -> Run,
) -> Vec<usize> {
    for length in [16, 4, 1, 1] {
        let mut end = starts.len();
        while end > 0 {
            let first = end.saturating_sub(length);
            let after = starts.get(end).copied().unwrap_or(choices.len());
            let less = run(&[&choices[..starts[first]], &choices[after..]].concat());
            if less.result.is_err() {
                (choices, starts) = (less.choices, less.starts);
            }
            end = first.min(starts.len());
        }
    }
    choices
}
