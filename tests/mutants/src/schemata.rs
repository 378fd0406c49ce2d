//! Many mutants in one build: each function that mutants change gets all its bodies, and chooses one when it runs.
//! (*Mutant schemata*: Untch, Offutt and Harrold, "Mutation analysis using mutant schemata", ISSTA 1993.)
//!
//! ```text
//! fn f() {
//!     if crate::mutation(1) { /* the body of mutant 1 */ }
//!     else if crate::mutation(2) { /* that of mutant 2 */ }
//!     else { /* the body */ }
//! }
//! ```
//!
//! The variable `REACTON_MUTANT` says which mutant is active in a process. A mutant that cannot be built in this way, for
//! example in a `const fn`, is left out, and has a build of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::mutant::Mutant;
use crate::source::{Place, Sources};

/// The variable with the number of the active mutant.
pub(crate) const VARIABLE: &str = "REACTON_MUTANT";

/// The roots of the crates that compile files of the product.
const ROOTS: [&str; 4] = [
    "reacton-core/src/lib.rs",
    "reacton-isolate/src/lib.rs",
    "extensions/reacton-persist/src/lib.rs",
    "tests/models/src/lib.rs",
];

/// Added to each of these.
fn mutation() -> String {
    format!(
        "
pub(crate) fn mutation(number: usize) -> bool {{
    static ACTIVE: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    let active = || std::env::var(\"{VARIABLE}\").ok()?.parse().ok();
    *ACTIVE.get_or_init(active) == Some(number)
}}
"
    )
}

/// The lines before and after a function with several bodies.
const BEGIN: &str = "// mutants: ";
const END: &str = "// end of mutants";

/// The beginning of a line that chooses the body of one mutant.
const CHOICE: &str = "if crate::mutation(";

/// The sources with all mutants that are built together.
pub(crate) struct Schemata {
    pub(crate) files: BTreeMap<PathBuf, String>,
    /// The lines of each function with several bodies, and the numbers of the mutants to which they belong.
    functions: Vec<(PathBuf, Range<usize>, Vec<usize>)>,
    /// The mutants of which this is not possible.
    pub(crate) left_out: BTreeSet<usize>,
}

impl Schemata {
    /// Merges all `mutants` but those that are left out.
    pub(crate) fn new(
        root: &Path,
        sources: &Sources,
        mutants: &[&Mutant],
        mut left_out: BTreeSet<usize>,
    ) -> Result<Self, String> {
        // By its place in the sources, what each mutant makes of a function.
        let mut functions: BTreeMap<Place, BTreeMap<usize, String>> = BTreeMap::new();
        for (number, mutant) in mutants.iter().enumerate() {
            if left_out.contains(&number) {
                continue;
            }
            let places = sources.functions_of(mutant).unwrap_or_default();
            let fits = places.iter().all(|(place, mutated)| {
                body(sources.text(place)).is_some()
                    && body(mutated).is_some()
                    && functions.keys().all(|other| other.is_apart_from(place))
            });
            if places.is_empty() || !fits {
                left_out.insert(number);
                continue;
            }
            for (place, mutated) in places {
                functions.entry(place).or_default().insert(number, mutated);
            }
        }
        let merged = functions.iter().map(|(place, mutated)| {
            let merged = merged(sources.text(place), mutated);
            (place.clone(), merged)
        });
        let mut files = sources.with(&merged.collect());
        let lines = files.iter().flat_map(|(path, text)| lines_of(path, text)).collect();
        for path in ROOTS.map(PathBuf::from) {
            let text = match files.remove(&path) {
                Some(text) => text,
                None => std::fs::read_to_string(root.join(&path))
                    .map_err(|error| format!("{}: {error}", path.display()))?,
            };
            files.insert(path, text + &mutation());
        }
        Ok(Self { files, functions: lines, left_out })
    }

    /// Returns the mutants of the functions in which the compiler has found errors.
    pub(crate) fn blamed(&self, log: &str) -> BTreeSet<usize> {
        let mut blamed = BTreeSet::new();
        let mut is_error = false;
        for line in log.lines() {
            is_error = line.starts_with("error") || is_error && !line.starts_with("warning");
            let place = line.trim_start().strip_prefix("--> ").filter(|_| is_error);
            let Some(place) = place else { continue };
            let mut parts = place.split(':');
            let (Some(path), Some(Ok(line))) =
                (parts.next(), parts.next().map(str::parse::<usize>))
            else {
                continue;
            };
            for (file, lines, numbers) in &self.functions {
                if Path::new(path).ends_with(file) && lines.contains(&line) {
                    blamed.extend(numbers);
                }
            }
        }
        blamed
    }
}

/// Returns a function with the bodies of all its mutants, by number, and the original one.
fn merged(original: &str, mutated: &BTreeMap<usize, String>) -> String {
    let (head, body_of_original) = body(original).unwrap_or((original, ""));
    let numbers: Vec<_> = mutated.keys().map(usize::to_string).collect();
    let mut text = format!("{BEGIN}{}\n{head}{{\n", numbers.join(" "));
    for (number, mutated) in mutated {
        let (_, body) = body(mutated).unwrap_or(("", mutated));
        let _ = write!(text, "{CHOICE}{number}) {body}\nelse ");
    }
    text + body_of_original + "\n}\n" + END + "\n"
}

/// Returns the head of a function and its body with the braces. `None` if it has no body that can be chosen when it
/// runs, or one that would break the functions around it.
fn body(function: &str) -> Option<(&str, &str)> {
    let begin = function.find('{')?;
    let (head, body) = function.split_at(begin);
    let count = |brace| body.matches(brace).count();
    (!head.contains("const fn") && count('{') == count('}')).then_some((head, body.trim_end()))
}

/// The lines of each merged function in `text`, counted from 1, and the numbers of the mutants to which they belong: one
/// for its body, and all of them for the other lines.
fn lines_of(path: &Path, text: &str) -> Vec<(PathBuf, Range<usize>, Vec<usize>)> {
    let number = |word: &str| word.parse::<usize>().ok();
    let mut found: Vec<(PathBuf, Range<usize>, Vec<usize>)> = Vec::new();
    let mut all: Option<Vec<usize>> = None;
    for (at, line) in (1..).zip(text.lines()) {
        if let Some((_, last, _)) = found.last_mut().filter(|_| all.is_some()) {
            last.end = at + 1;
        }
        if let Some(numbers) = line.strip_prefix(BEGIN) {
            let numbers: Vec<_> = numbers.split_whitespace().filter_map(number).collect();
            found.push((path.to_owned(), at..at + 1, numbers.clone()));
            all = Some(numbers);
        } else if line == END {
            all = None;
        } else if let Some(all) = &all {
            let next = line.trim_start_matches("else ");
            if let Some((chosen, _)) =
                next.strip_prefix(CHOICE).and_then(|rest| rest.split_once(')'))
            {
                found.push((path.to_owned(), at..at + 1, number(chosen).into_iter().collect()));
            } else if next.len() < line.len() {
                found.push((path.to_owned(), at..at + 1, all.clone()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = "    fn take(&self) -> u8 {\n        1\n    }\n";

    fn of_two() -> String {
        let mutated = [(3, 2), (7, 4)]
            .map(|(number, value)| (number, ORIGINAL.replace('1', &value.to_string())));
        merged(ORIGINAL, &BTreeMap::from(mutated))
    }

    #[test]
    fn a_function_has_the_bodies_of_all_its_mutants() {
        let merged: String = of_two().split_whitespace().collect();
        let code = "fntake(&self)->u8{ifcrate::mutation(3){2}elseifcrate::mutation(7){4}else{1}}";
        assert_eq!(merged, format!("//mutants:37{code}//endofmutants"));
    }

    #[test]
    fn an_error_blames_the_mutant_of_its_body_or_all_of_its_function() {
        let text = format!("one\n{}two\n", of_two());
        let path = Path::new("a/b.rs");
        let functions = lines_of(path, &text);
        let schemata = Schemata { files: BTreeMap::new(), functions, left_out: BTreeSet::new() };
        assert_eq!(schemata.blamed("error\n  --> a/b.rs:1:1\n"), BTreeSet::new());
        assert_eq!(schemata.blamed("error: one\n  --> x/a/b.rs:3:1\n"), BTreeSet::from([3, 7]));
        assert_eq!(schemata.blamed("error[E0433]\n  --> x/a/b.rs:5:3\n"), BTreeSet::from([3]));
        assert_eq!(schemata.blamed("warning: unused\n  --> x/a/b.rs:5:3\n"), BTreeSet::new());
        assert_eq!(schemata.blamed("error: two\n  --> x/a/b.rs:8:3\n"), BTreeSet::from([7]));
        assert_eq!(schemata.blamed("error: all\n  --> x/a/b.rs:11:3\n"), BTreeSet::from([3, 7]));
    }

    #[test]
    fn a_function_that_the_compiler_runs_is_left_out_and_one_with_a_brace_too_many() {
        assert_eq!(body("fn one() -> u8 {\n    1 }\n}\n"), None);
        assert_eq!(body("const fn one() -> u8 {\n    1\n}\n"), None);
    }
}
