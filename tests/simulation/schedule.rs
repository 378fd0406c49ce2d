//! Runs schedules by their seeds, and shrinks one that fails.

use std::cell::RefCell;
use std::fmt::Debug;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use reacton::testing::Simulation;
use reacton_support::{from_env, hide_panics_with, panic_text, quietly, shrink};

use crate::observers::PLANNED;

/// Enough to come close to the shortest schedule. They take a few seconds.
const MOST_RUNS: usize = 2000;

/// How a run ended, and its choices.
struct Run<T> {
    result: Result<T, String>,
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

fn run<T>(simulation: Simulation, play: &impl Fn(Rc<Simulation>) -> T) -> Run<T> {
    let simulation = Rc::new(simulation);
    let run = AssertUnwindSafe(|| {
        STARTS.take();
        play(Rc::clone(&simulation))
    });
    let result = catch_unwind(run).map_err(|payload| panic_text(&*payload));
    let (choices, trace) = (simulation.choices(), simulation.trace());
    Run { result, choices, starts: STARTS.take(), trace }
}

/// Runs the schedules of the seeds that the environment names, on as many threads as there are cores. Returns how many
/// there were, and the sum of what happened in them.
///
/// # Panics
/// If one fails.
pub(crate) fn run_all<T>(play: impl Fn(Rc<Simulation>) -> T + Sync) -> (u64, T)
where
    T: Default + AddAssign + Debug + Send,
{
    let begin = from_env("REACTON_SEED").unwrap_or(0);
    let seeds = from_env("REACTON_SEEDS").unwrap_or(1000);
    hide_panics_with(PLANNED);
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let run_some = |first: u64| -> Result<T, String> {
        let mut done = T::default();
        for seed in (begin + first..begin + seeds).step_by(usize::try_from(threads).unwrap_or(1)) {
            done += run_seed(seed, &play)?;
        }
        Ok(done)
    };
    let mut done = T::default();
    thread::scope(|scope| {
        let run_some = &run_some;
        let threads: Vec<_> =
            (0..threads).map(|first| scope.spawn(move || run_some(first))).collect();
        for thread in threads {
            done += thread
                .join()
                .expect("panics are caught")
                .unwrap_or_else(|failure| panic!("{failure}"));
        }
    });
    println!("{seeds} seeds from {begin}: {done:?}");
    (seeds, done)
}

/// Runs the schedule of a seed. If it fails, the error contains the message, and the steps of the shortest failing
/// schedule that was found.
pub(crate) fn run_seed<T>(seed: u64, play: impl Fn(Rc<Simulation>) -> T) -> Result<T, String> {
    let failed = quietly(|| run(Simulation::new(seed), &play));
    let first = match failed.result {
        Ok(done) => return Ok(done),
        Err(message) => message,
    };
    // With `--nocapture`, this message appears before the shrinking, which takes seconds.
    println!("seed {seed} fails, and is shrunk now: {first}");
    let again = |choices: &[usize]| quietly(|| run(Simulation::replay(choices.to_vec()), &play));
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
fn leave_out<T>(
    mut choices: Vec<usize>,
    mut starts: Vec<usize>,
    run: impl Fn(&[usize]) -> Run<T>,
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
