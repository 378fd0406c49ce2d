//! A mutant: one sentence that says what it breaks, and edits of functions.
//!
//! ```text
//! Rule 2 broken: whatever arrives wins.
//! tests: sharing
//!
//! in accepts
//!  version.clock < CLOCK_LIMIT && self.takes(link, id)
//! -    && version > self.version(id)
//! ```
//!
//! The first line says what the mutant breaks. `tests:` is optional: names of test targets, separated by spaces, that
//! are tried before the others. `lib` means the unit tests, `models` those of tests/models, and `persist` those of
//! extensions/reacton-persist.
//!
//! Each edit names the function that it changes, in whichever file it is. Lines with `-` are removed, lines with `+`
//! are added, and lines with a space stay and show the place. White space is ignored, so that formatting does not break
//! a mutant.

use std::fs;
use std::path::Path;

/// Edits of the product that some test has to notice.
#[derive(Debug)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Test targets that are tried first.
    pub(crate) tests: Vec<String>,
    pub(crate) edits: Vec<Edit>,
}

/// A piece of text in the function of this name, and what replaces it.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub(crate) function: String,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// Reads all mutants of the repository at `root`, by name.
pub(crate) fn all(root: &Path) -> Result<Vec<Mutant>, String> {
    let folder = root.join("tests/mutants");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut mutants = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_none_or(|extension| extension != "mutant") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        let mutant = parse(name, &text)?;
        if let Some(test) = mutant.tests.iter().find(|test| !is_target(root, test)) {
            return Err(format!("{}: there is no test target `{test}`", mutant.name));
        }
        mutants.push(mutant);
    }
    mutants.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(mutants)
}

/// Returns whether `tests:` may list this name.
fn is_target(root: &Path, test: &str) -> bool {
    matches!(test, "lib" | "models" | "persist")
        || root.join("tests").join(test).with_extension("rs").exists()
}

fn parse(name: String, text: &str) -> Result<Mutant, String> {
    let mut lines = text.lines();
    let title = lines.next().unwrap_or_default().to_owned();
    let mut mutant = Mutant { name, title, tests: Vec::new(), edits: Vec::new() };
    for line in lines {
        if let Some(tests) = line.strip_prefix("tests: ") {
            mutant.tests = tests.split_whitespace().map(str::to_owned).collect();
        } else if let Some(function) = line.strip_prefix("in ") {
            let function = function.trim().to_owned();
            mutant.edits.push(Edit { function, ..Edit::default() });
        } else if !line.trim().is_empty() {
            let Some(edit) = mutant.edits.last_mut() else {
                return Err(format!("{}: `{line}` stands before the first `in`", mutant.name));
            };
            let (mark, code) = line.split_at(1);
            if mark != "+" {
                edit.old.extend([code, "\n"]);
            }
            match mark {
                " " | "+" => edit.new.extend([code, "\n"]),
                "-" => {}
                _ => return Err(format!("{}: `{line}` begins with no mark", mutant.name)),
            }
        }
    }
    let has_no_place = |edit: &Edit| edit.old.trim().is_empty();
    if mutant.edits.is_empty() || mutant.edits.iter().any(has_no_place) {
        return Err(format!("{}: an edit has to say which text it replaces", mutant.name));
    }
    Ok(mutant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_has_a_title_tests_and_edits() {
        let text =
            "It breaks.\ntests: pool life\n\nin take\n let a = 1;\n-let b = 2;\n+let b = 3;\n";
        let mutant = parse("name".to_owned(), text).expect("the file describes a mutant");
        assert_eq!((mutant.title.as_str(), mutant.tests.len()), ("It breaks.", 2));
        let [edit] = &mutant.edits[..] else { panic!("{:?}", mutant.edits) };
        assert_eq!(edit.function, "take");
        assert_eq!(edit.old, "let a = 1;\nlet b = 2;\n");
        assert_eq!(edit.new, "let a = 1;\nlet b = 3;\n");
    }

    #[test]
    fn what_is_listed_to_be_tried_first_is_a_test_target() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let is_target = |test| is_target(&root, test);
        assert!(is_target("lib") && is_target("models") && is_target("calls"));
        assert!(!is_target("calls,"));
    }

    #[test]
    fn an_edit_without_a_place_is_an_error() {
        let error = parse("name".to_owned(), "It breaks.\nin take\n+let b = 3;\n");
        assert!(error.expect_err("the text has no place in the file").starts_with("name: "));
    }
}
