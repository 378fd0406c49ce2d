//! Breaks each rule of the protocol in turn, and prints which test notices it.
//!
//! ```text
//! tests/mutants/run                     every mutant
//! tests/mutants/run echo local-remove   these
//! tests/mutants/run --check             only whether each can still be applied: a second
//! tests/mutants/run --compile           only whether each can still be compiled: a few minutes
//! tests/mutants/run --jobs 2            run the tests of so many at a time
//! ```
//!
//! A mutant is a file `tests/mutants/NAME.mutant` (see `mutant.rs`). The program applies mutants to a copy of the last
//! commit, and runs the tests in that copy. If there are several, they are built together, as far as that is possible
//! (see `schemata.rs`). It exits with 1 if a mutant survives or cannot be applied.
//!
//! | module | what passes through it |
//! |---|---|
//! | `mutant` | reads a mutant: a file of edits |
//! | `schemata` | puts many mutants into one build |
//! | `source` | finds the functions of the product, and applies an edit to one |
//! | `trial` | makes the copy of the repository, and runs the tests in it |

#![forbid(unsafe_code)]

mod mutant;
mod schemata;
mod source;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use mutant::Mutant;
use source::Sources;
use trial::Trial;

/// So many mutants are built together.
const TOGETHER: usize = 3;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether every mutant was noticed.
fn run(mut args: impl Iterator<Item = String>) -> Result<bool, String> {
    let (mut names, mut only_check, mut only_compile, mut jobs) = (Vec::new(), false, false, 1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--check" => only_check = true,
            "--compile" => only_compile = true,
            "--jobs" => {
                let number = args.next().unwrap_or_default();
                jobs = number.parse().map_err(|error| format!("--jobs `{number}`: {error}"))?;
            }
            name => names.push(name.to_owned()),
        }
    }
    let root = root();
    let mutants = mutant::all(&root)?;
    if let Some(unknown) = names.iter().find(|name| mutants.iter().all(|one| one.name != **name)) {
        return Err(format!("there is no mutant `{unknown}`"));
    }
    let chosen: Vec<_> =
        mutants.iter().filter(|one| names.is_empty() || names.contains(&one.name)).collect();
    if only_check {
        return Ok(none_of(&stale(&root, &chosen)?));
    }
    if only_compile {
        return Ok(none_of(&Trial::new(&root)?.rejected(&chosen)?));
    }
    try_all(&root, &chosen, jobs)
}

/// Prints these messages. Returns whether there are none.
fn none_of(messages: &[String]) -> bool {
    for message in messages {
        println!("{message}");
    }
    messages.is_empty()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the reasons why some mutants cannot be applied.
fn stale(root: &Path, mutants: &[&Mutant]) -> Result<Vec<String>, String> {
    let sources = Sources::read(root)?;
    let wrong = |mutant: &&Mutant| {
        sources.mutated(mutant).err().map(|error| format!("{}: {error}", mutant.name))
    };
    Ok(mutants.iter().filter_map(wrong).collect())
}

/// Tries those first that can be built together, then each of the others in a build of its own.
fn try_all(root: &Path, mutants: &[&Mutant], jobs: usize) -> Result<bool, String> {
    println!("| mutant | what it breaks | noticed by |\n| --- | --- | --- |");
    let numbered: Vec<_> = mutants.iter().copied().enumerate().collect();
    let mut alone = numbered.clone();
    let mut all_noticed = true;
    if mutants.len() >= TOGETHER {
        let trial = Trial::new(root)?;
        let left_out = trial.build_together(mutants)?;
        let together: Vec<_>;
        (alone, together) = numbered.into_iter().partition(|(number, _)| left_out.contains(number));
        eprintln!("{} mutants in one build, {} alone", together.len(), alone.len());
        let noticed = |number, mutant: &Mutant| trial.noticed_among_others(mutant, number);
        all_noticed &= in_parallel(jobs, &together, noticed)?;
    }
    if !alone.is_empty() {
        let trial = Trial::new(root)?;
        let noticed = |_, mutant: &Mutant| trial.noticed_by(mutant);
        all_noticed &= in_parallel(1, &alone, noticed)?;
    }
    Ok(all_noticed)
}

/// Prints by which test each mutant is noticed. Returns whether every one is.
fn in_parallel(
    jobs: usize,
    mutants: &[(usize, &Mutant)],
    noticed: impl Fn(usize, &Mutant) -> Result<Option<String>, String> + Sync,
) -> Result<bool, String> {
    let left = Mutex::new((mutants.iter(), true));
    let next = || left.lock().ok().and_then(|mut left| left.0.next());
    let work = || {
        while let Some((number, mutant)) = next() {
            let (is_noticed, by) = match noticed(*number, mutant) {
                Ok(Some(test)) => (true, test),
                Ok(None) => (false, "**nothing**".to_owned()),
                Err(error) => {
                    eprintln!("{}: {error}", mutant.name);
                    (false, "**no test ran**".to_owned())
                }
            };
            println!("| {} | {} | {by} |", mutant.name, mutant.title);
            if let Ok(mut left) = left.lock() {
                left.1 &= is_noticed;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    left.into_inner().map(|(_, all_noticed)| all_noticed).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_can_be_applied_to_the_sources() {
        let root = root();
        let mutants = mutant::all(&root).unwrap_or_else(|error| panic!("{error}"));
        assert!(mutants.len() > 50, "{} mutants were found", mutants.len());
        let all: Vec<_> = mutants.iter().collect();
        let broken = stale(&root, &all).unwrap_or_else(|error| panic!("{error}"));
        assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    }
}
