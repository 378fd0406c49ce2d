//! A copy of the last commit in which a mutant is applied and the tests run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::mutant::Mutant;
use crate::schemata::{Schemata, VARIABLE};
use crate::source::Sources;

/// If the tests of a step take longer, for each 1,000 schedules, they hang: then the mutant is noticed.
const PATIENCE: Duration = Duration::from_secs(300);

/// What runs, in this order, until a test fails: how many schedules of the simulation, and the arguments of `cargo
/// test`.
const STEPS: [(u32, &[&str]); 7] = [
    // Enough for most mutants. From 100 on, the simulation also asserts how much has happened.
    (99, SIMULATION),
    (1000, LIB),
    (1000, PROMISES),
    (1000, PERSIST),
    (1000, MODELS),
    (1000, SIMULATION),
    (10_000, SIMULATION),
];

const SIMULATION: &[&str] = &["--test", "simulation"];

/// The promises, one by one.
const PROMISES: &[&str] = &[
    "--test=testing",
    "--test=sharing",
    "--test=life",
    "--test=pool",
    "--test=calls",
    "--test=families",
    "--test=stores",
    "--test=collections",
    "--test=shared_collections",
    "--test=shared_families",
    "--test=futures",
    "--test=tracing_panics",
    "--test=processes",
    "--test=groups",
];

const LIB: &[&str] = &[
    "-p",
    "reacton-core",
    "-p",
    "reacton-isolate",
    "--features",
    "reacton-isolate/process",
    "--lib",
];

const PERSIST: &[&str] = &["-p", "reacton-persist", "--test", "saving", "--test", "files"];

/// Finds most of what the compiler rejects, sooner than the tests do.
const CHECK: &[&str] =
    &["check", "--quiet", "--lib", "-p", "reacton", "--all-features", "-p", "reacton-models"];

const MODELS: &[&str] = &["-p", "reacton-models", "--test", "models"];

/// Files with their contents.
type Files = Vec<(PathBuf, String)>;

/// A separate working tree, which is removed when this is dropped.
pub(crate) struct Trial {
    root: PathBuf,
    tree: PathBuf,
    target: PathBuf,
}

impl Trial {
    pub(crate) fn new(root: &Path) -> Result<Self, String> {
        let name = format!("reacton-mutants-{}", std::process::id());
        let tree = std::env::temp_dir().join(name);
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), Into::into);
        let target = target.join("mutants");
        let trial = Self { root: root.to_owned(), tree, target };
        let tree = trial.tree.to_string_lossy().into_owned();
        let made = trial.run(
            "git",
            root,
            &["worktree", "add", "--quiet", "--detach", &tree],
            &[],
            PATIENCE,
        )?;
        match made {
            Some(output) if output.status.success() => Ok(trial),
            Some(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            None => Err("git does not end".to_owned()),
        }
    }

    /// Builds as many of these mutants as possible together. Returns the numbers of the others. The tests have to pass
    /// if none is active.
    pub(crate) fn build_together(&self, mutants: &[&Mutant]) -> Result<BTreeSet<usize>, String> {
        let (left_out, _) = self.write_together(mutants)?;
        self.are_unnoticed()?;
        Ok(left_out)
    }

    /// Writes as many of these mutants as possible into the tree, so that all of it compiles. Returns the numbers of the
    /// others, and the files as they were.
    fn write_together(&self, mutants: &[&Mutant]) -> Result<(BTreeSet<usize>, Files), String> {
        let sources = Sources::read(&self.tree)?;
        let mut left_out = BTreeSet::new();
        loop {
            let schemata = Schemata::new(&self.tree, &sources, mutants, left_out)?;
            let originals = self.write(schemata.files.clone())?;
            let Some(log) = self.rejection()? else { return Ok((schemata.left_out, originals)) };
            let blamed = schemata.blamed(&log);
            if blamed.is_empty() {
                return Err(format!("no mutant is to blame for this:\n{log}"));
            }
            left_out = &schemata.left_out | &blamed;
            self.write(originals)?;
        }
    }

    /// Why the compiler rejects the tree, if it does.
    fn rejection(&self) -> Result<Option<String>, String> {
        match self.run("cargo", &self.tree, CHECK, &[], 4 * PATIENCE)? {
            Some(output) if output.status.success() => Ok(None),
            Some(output) => Ok(Some(text(&output))),
            None => Err("the build does not end".to_owned()),
        }
    }

    /// Returns a message for each of these mutants that cannot be compiled.
    pub(crate) fn rejected(&self, mutants: &[&Mutant]) -> Result<Vec<String>, String> {
        let (left_out, originals) = self.write_together(mutants)?;
        self.write(originals)?;
        let sources = Sources::read(&self.tree)?;
        let mut rejected = Vec::new();
        for mutant in left_out.into_iter().filter_map(|number| mutants.get(number)) {
            let originals = self.write(sources.mutated(mutant)?)?;
            let log = self.rejection()?;
            rejected.extend(log.map(|log| format!("{}:\n{log}", mutant.name)));
            self.write(originals)?;
        }
        Ok(rejected)
    }

    /// Fails if a test fails although no mutant is active.
    fn are_unnoticed(&self) -> Result<(), String> {
        // The last step is the one before it with more schedules.
        for (schedules, args) in &STEPS[..STEPS.len() - 1] {
            if let Some(test) = self.test(&[], *schedules, args)? {
                return Err(format!("no mutant is active, and this fails: {test}"));
            }
        }
        Ok(())
    }

    /// Returns the first test that fails with this mutant in a tree where [`build_together`](Self::build_together) has
    /// built it under this number.
    pub(crate) fn noticed_among_others(
        &self,
        mutant: &Mutant,
        number: usize,
    ) -> Result<Option<String>, String> {
        let number = number.to_string();
        first_that_fails(mutant, |schedules, args| {
            self.run_tests(&[(VARIABLE, &number)], schedules, args)
        })
    }

    /// Returns the first test that fails with this mutant, in a build of its own.
    pub(crate) fn noticed_by(&self, mutant: &Mutant) -> Result<Option<String>, String> {
        let sources = Sources::read(&self.tree)?;
        let originals = match sources.mutated(mutant) {
            Ok(changed) => self.write(changed)?,
            Err(error) => return Err(format!("{}: {error}", mutant.name)),
        };
        let noticed = first_that_fails(mutant, |schedules, args| self.test(&[], schedules, args));
        self.write(originals)?;
        noticed
    }

    /// Writes these files, and returns their old contents.
    fn write(&self, files: impl IntoIterator<Item = (PathBuf, String)>) -> Result<Files, String> {
        let mut before = Vec::new();
        for (path, text) in files {
            let place = self.tree.join(&path);
            let error = |error| format!("{}: {error}", place.display());
            before.push((path, fs::read_to_string(&place).map_err(error)?));
            fs::write(&place, text).map_err(error)?;
        }
        Ok(before)
    }

    /// Builds the tests of a step, and returns the first one that fails. A mutant that does not compile is an error.
    fn test(
        &self,
        variables: &[(&str, &str)],
        schedules: u32,
        step: &[&str],
    ) -> Result<Option<String>, String> {
        let only_build = [&["test", "--quiet", "--no-run"], step].concat();
        let built = self.run("cargo", &self.tree, &only_build, &[], 4 * PATIENCE)?;
        match built {
            Some(output) if output.status.success() => {}
            Some(output) => {
                return Err(format!("does not compile\n{}", text(&output)));
            }
            None => return Err("the build does not end".to_owned()),
        }
        self.run_tests(variables, schedules, step)
    }

    /// Returns the first test that fails.
    fn run_tests(
        &self,
        variables: &[(&str, &str)],
        schedules: u32,
        step: &[&str],
    ) -> Result<Option<String>, String> {
        let test = [&["test", "--quiet"], step].concat();
        let seeds = schedules.to_string();
        let variables = [variables, &[("REACTON_SEEDS", &seeds)]].concat();
        let patience = PATIENCE * schedules.div_ceil(1000);
        Ok(match self.run("cargo", &self.tree, &test, &variables, patience)? {
            None => Some(format!("{} hangs", step.join(" "))),
            Some(output) if output.status.success() => None,
            Some(output) => Some(first_failure(&text(&output))),
        })
    }

    /// Returns the output of a program; `None` if it did not end in time.
    fn run(
        &self,
        program: &str,
        folder: &Path,
        args: &[&str],
        variables: &[(&str, &str)],
        patience: Duration,
    ) -> Result<Option<Output>, String> {
        // Several threads may run tests in one tree.
        let log = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        let file = log.reopen().map_err(|error| error.to_string())?;
        let errors = file.try_clone().map_err(|error| error.to_string())?;
        let mut child = Command::new("timeout")
            .arg("--kill-after=5")
            .arg(patience.as_secs().to_string())
            .arg(program)
            .args(args)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let begin = Instant::now();
        let status = child.wait().map_err(|error| format!("{program}: {error}"))?;
        let stdout = fs::read(log.path()).map_err(|error| error.to_string())?;
        let ended = begin.elapsed() < patience;
        Ok(ended.then_some(Output { status, stdout, stderr: Vec::new() }))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let tree = self.tree.to_string_lossy().into_owned();
        let _ =
            self.run("git", &self.root, &["worktree", "remove", "--force", &tree], &[], PATIENCE);
    }
}

/// Runs the steps, with the number of schedules of each, until a test fails.
fn first_that_fails(
    mutant: &Mutant,
    run: impl Fn(u32, &[&str]) -> Result<Option<String>, String>,
) -> Result<Option<String>, String> {
    let hints = mutant.tests.iter().map(|test| match test.as_str() {
        "lib" => LIB.to_vec(),
        "models" => MODELS.to_vec(),
        "persist" => PERSIST.to_vec(),
        test => vec!["--test", test],
    });
    let hints: Vec<_> = hints.collect();
    let hints = hints.iter().map(|args| (1000, args.as_slice()));
    for (schedules, args) in hints.chain(STEPS) {
        let noticed = run(schedules, args)?;
        if noticed.is_some() {
            return Ok(noticed);
        }
    }
    Ok(None)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the first test below the last line `failures:`, and the seed if one was printed.
fn first_failure(log: &str) -> String {
    let names = log.rsplit_once("\nfailures:\n").map_or(log, |(_, names)| names);
    let test = names.lines().find_map(|line| line.strip_prefix("    ")).unwrap_or("a test");
    let seed = log.split_whitespace().find(|word| word.starts_with("REACTON_SEED="));
    [Some(test), seed].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_named_with_its_seed() {
        let log = "failures:\n\n---- a stdout ----\nREACTON_SEED=7 REACTON_SEEDS=1\n\nfailures:\n    a\n    b\n\n";
        assert_eq!(first_failure(log), "a REACTON_SEED=7");
    }
}
