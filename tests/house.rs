//! The rules of the house: citations can be looked up, files stay short, words stay plain, links lead to something, and
//! imports go down only.
//!
//! `house/exceptions.txt` lists what does not follow the rules yet. It may only shrink: an exception that is not needed
//! any more, or allows more than there is, is an error, too.

#[path = "house/citations.rs"]
mod citations;
#[path = "house/layers.rs"]
mod layers;
#[path = "house/layout.rs"]
mod layout;
#[path = "house/links.rs"]
mod links;
#[path = "house/markdown.rs"]
mod markdown;
#[path = "house/places.rs"]
mod places;
#[path = "house/words.rs"]
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The folders with the library's own code.
const PRODUCT: &[&str] = &[
    "src",
    "reacton-core/src",
    "reacton-isolate/src",
    "reacton-macros/src",
    "extensions/reacton-persist/src",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns every file with this extension below the folders: its path from the root, and its text.
fn files(folders: &[&str], extension: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name == "target") {
                continue;
            }
            let entries = fs::read_dir(&path).expect("the folder can be read");
            left.extend(entries.map(|entry| entry.expect("an entry can be read").path()));
        } else if path.extension().is_some_and(|this| this == extension) {
            let name = path.strip_prefix(root()).expect("the path is below the root");
            let name = name.to_string_lossy().replace('\\', "/");
            found.insert(name, fs::read_to_string(&path).expect("the file is text"));
        }
    }
    assert!(!found.is_empty(), "no file in {folders:?}");
    found
}

/// Returns how much of each kind is allowed in each place, from lines such as `length reacton-core/src/graph.rs 726`.
fn exceptions(kind: &str) -> BTreeMap<String, usize> {
    let text = read("tests/house/exceptions.txt");
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (its_kind, rest) = line.split_once(' ').expect("a line begins with a kind");
        let (what, count) = rest.rsplit_once(' ').expect("a line ends with a number");
        if its_kind == kind {
            let count = count.parse().unwrap_or_else(|error| panic!("`{line}`: {error}"));
            found.insert(what.to_owned(), count);
        }
    }
    found
}

/// Panics if there is more of a kind than its exceptions allow, or less.
#[track_caller]
fn compare_with_exceptions(kind: &str, found: &BTreeMap<String, usize>) {
    let allowed = exceptions(kind);
    let mut wrong = Vec::new();
    for (what, count) in found {
        match allowed.get(what) {
            None => wrong.push(format!("{kind} {what} {count}: not allowed")),
            Some(most) if count > most => {
                wrong.push(format!("{kind} {what} {count}: only {most} are allowed"));
            }
            Some(most) if count < most => {
                wrong.push(format!("{kind} {what} {count}: write {count} for {most}"));
            }
            Some(_) => {}
        }
    }
    let gone = allowed.keys().filter(|what| !found.contains_key(*what));
    wrong.extend(gone.map(|what| format!("{kind} {what}: an exception that is no longer needed")));
    assert!(wrong.is_empty(), "see tests/house/exceptions.txt\n{}", wrong.join("\n"));
}
