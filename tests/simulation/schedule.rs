//! One schedule: run by its seed, and shrunk if it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::testing::Simulation;
use reacton_support::{panic_text, quietly, shrink};

use crate::tree::{Tally, Tree};

/// Enough to come close to the shortest schedule, and a matter of seconds.
const MOST_RUNS: usize = 3000;

/// How a run ended, and what is known of it.
struct Run {
    result: Result<Tally, String>,
    choices: Vec<usize>,
    trace: String,
}

fn run(simulation: Simulation, check: fn(&Tree)) -> Run {
    let simulation = Rc::new(simulation);
    let run = AssertUnwindSafe(|| Tree::new(Rc::clone(&simulation)).run(check));
    let result = catch_unwind(run).map_err(|payload| panic_text(&*payload));
    Run { result, choices: simulation.choices(), trace: simulation.trace() }
}

/// Runs the schedule of a seed. If it fails, the error is the message, and the steps of the shortest schedule found that fails.
pub(crate) fn run_seed(seed: u64, check: fn(&Tree)) -> Result<Tally, String> {
    let Run { result, choices, .. } = quietly(|| run(Simulation::new(seed), check));
    let first = match result {
        Ok(tally) => return Ok(tally),
        Err(message) => message,
    };
    let again = |choices: &[usize]| quietly(|| run(Simulation::replay(choices.to_vec()), check));
    let before = choices.len();
    let choices = shrink(choices, MOST_RUNS, |choices| again(choices).result.is_err());
    let Run { result, trace, .. } = again(&choices);
    let Err(message) = result else {
        return Err(format!(
            "seed {seed}: {first}\nIt does not fail again: something is not decided by the seed."
        ));
    };
    let steps: String = trace.lines().map(|line| format!("  {line}\n")).collect();
    Err(format!(
        "seed {seed}: {first}\n\
         Run it again with REACTON_SEED={seed} REACTON_SEEDS=1.\n\
         Shrunk from {before} choices to {}, it fails with: {message}\n{steps}",
        choices.len()
    ))
}
