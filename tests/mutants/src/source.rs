//! Finds functions of the product, and applies edits to them.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::mutant::{Edit, Mutant};

/// The folders whose functions mutants may change.
const FOLDERS: [&str; 3] =
    ["reacton-core/src", "reacton-isolate/src", "extensions/reacton-persist/src"];

/// Every file of the product, by its path from the root.
#[derive(Debug)]
pub(crate) struct Sources(BTreeMap<PathBuf, String>);

/// A function: its file, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

impl Place {
    /// Whether no text is part of both, or both are the same.
    pub(crate) fn is_apart_from(&self, other: &Self) -> bool {
        self == other
            || self.path != other.path
            || self.end <= other.begin
            || other.end <= self.begin
    }
}

impl Sources {
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        for folder in FOLDERS {
            collect(root, Path::new(folder), &mut files)?;
        }
        Ok(Self(files))
    }

    /// Returns the new text of each file that the mutant changes, or the reason why it cannot be applied.
    pub(crate) fn mutated(&self, mutant: &Mutant) -> Result<BTreeMap<PathBuf, String>, String> {
        Ok(self.with(&self.functions_of(mutant)?))
    }

    /// Returns the new text of each file in which these functions are replaced. They must not overlap.
    pub(crate) fn with(&self, functions: &BTreeMap<Place, String>) -> BTreeMap<PathBuf, String> {
        let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
        // From the last to the first, so that none moves another.
        for (Place { path, begin, end }, text) in functions.iter().rev() {
            let file = files.entry(path.clone()).or_insert_with(|| self.0[path].clone());
            file.replace_range(*begin..*end, text);
        }
        files
    }

    /// The text of a function.
    pub(crate) fn text(&self, of: &Place) -> &str {
        &self.0[&of.path][of.begin..of.end]
    }

    /// Returns the functions that the mutant changes, each with its new text, or the reason why it cannot be applied.
    pub(crate) fn functions_of(&self, mutant: &Mutant) -> Result<BTreeMap<Place, String>, String> {
        let mut edits: BTreeMap<Place, Vec<(Range<usize>, &Edit)>> = BTreeMap::new();
        for edit in &mutant.edits {
            let mut places = Vec::new();
            for (path, text) in &self.0 {
                places.extend(places_of(text, edit).into_iter().map(|place| (path, place)));
            }
            let [(path, (function, place))] = &places[..] else {
                let (function, count) = (&edit.function, places.len());
                return Err(format!(
                    "{count} places in functions `{function}` fit, not one:\n{}",
                    edit.old
                ));
            };
            let function =
                Place { path: (*path).clone(), begin: function.start, end: function.end };
            edits.entry(function).or_default().push((place.clone(), edit));
        }
        let changed = edits.into_iter().map(|(function, mut edits)| {
            // From the last to the first, so that none moves another.
            edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
            let mut text = self.text(&function).to_owned();
            for (place, edit) in edits {
                let begin = function.begin;
                text.replace_range(place.start - begin..place.end - begin, edit.new.trim_end());
            }
            (function, text)
        });
        Ok(changed.collect())
    }
}

fn collect(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<PathBuf, String>,
) -> Result<(), String> {
    let entries = fs::read_dir(root.join(folder))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(entry.path())
                .map_err(|error| format!("{}: {error}", path.display()))?;
            files.insert(path, text);
        }
    }
    Ok(())
}

/// Returns the functions with the name of `edit` that have its old text, and where the old text is.
fn places_of(text: &str, edit: &Edit) -> Vec<(Range<usize>, Range<usize>)> {
    let old: Vec<char> = edit.old.chars().filter(|char| !char.is_whitespace()).collect();
    let mut places = Vec::new();
    if !text.contains(&format!("fn {}", edit.function)) {
        return places;
    }
    for function in functions(text, &edit.function) {
        let begin = function.start;
        let body: Vec<_> = text[function.clone()]
            .char_indices()
            .filter(|(_, char)| !char.is_whitespace())
            .collect();
        for window in body.windows(old.len()) {
            if window.iter().map(|(_, char)| char).eq(&old) {
                let (first, (last, char)) = (window[0].0, window[old.len() - 1]);
                places.push((function.clone(), begin + first..begin + last + char.len_utf8()));
            }
        }
    }
    places
}

/// Returns the functions with this name, from `fn` to the closing brace, which has the indentation of the line with
/// `fn`.
fn functions(text: &str, name: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if let Some((begin, its_indent)) = open {
            if indent == its_indent && line.trim_end() == format!("{}}}", &line[..indent]) {
                found.push(begin..at + line.len());
                open = None;
            }
        } else if is_head_of(line, name) {
            if line.trim_end().ends_with('}') || line.trim_end().ends_with(';') {
                found.push(at..at + line.len());
            } else {
                open = Some((at, indent));
            }
        }
        at += line.len();
    }
    found
}

fn is_head_of(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let is_comment = line.starts_with("//");
    let after = line.split_once("fn ").map(|(_, after)| after);
    let rest = after.and_then(|after| after.strip_prefix(name));
    !is_comment && rest.is_some_and(|rest| rest.starts_with(['(', '<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
impl Store {
    fn take(&self) -> u8 {
        if self.a {
            one(1, 2);
        }
        two()
    }

    fn taken(&self) {
        two()
    }
}
";

    fn edit(function: &str, old: &str, new: &str) -> Edit {
        Edit { function: function.into(), old: old.into(), new: new.into() }
    }

    #[test]
    fn a_function_ends_with_its_own_brace() {
        let [place] = &functions(TEXT, "take")[..] else {
            panic!("the text has one such function")
        };
        assert!(TEXT[place.clone()].ends_with("two()\n    }\n"));
    }

    #[test]
    fn text_is_found_whatever_its_white_space() {
        let places = places_of(TEXT, &edit("take", "one(\n  1,\n  2\n);", ""));
        let [(_, place)] = &places[..] else { panic!("{places:?}") };
        assert_eq!(&TEXT[place.clone()], "one(1, 2);");
    }

    #[test]
    fn text_of_another_function_is_not_found() {
        assert_eq!(places_of(TEXT, &edit("taken", "one(1, 2);", "")), []);
        assert_eq!(places_of(TEXT, &edit("taken", "two()", "")).len(), 1);
    }
}
