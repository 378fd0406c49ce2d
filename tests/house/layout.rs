//! Checks files: they are short, none is `mod.rs`, the first line says their purpose, and the paths in the documents
//! exist.

use std::collections::BTreeMap;

use super::{PRODUCT, compare_with_exceptions, files, read, root};

const LONGEST: usize = 450;

/// The folders with all code of the repository.
const EVERYTHING: &[&str] = &[
    "src",
    "reacton-core",
    "reacton-isolate",
    "reacton-macros",
    "extensions",
    "tests",
    "benches",
    "examples",
];

#[test]
fn no_file_is_longer_than_450_lines() {
    let all = files(EVERYTHING, "rs");
    let lengths = all.into_iter().map(|(path, text)| (path, text.lines().count()));
    let long: BTreeMap<_, _> = lengths.filter(|(_, length)| *length > LONGEST).collect();
    compare_with_exceptions("length", &long);
}

#[test]
fn no_folder_has_a_mod_rs() {
    let all = files(PRODUCT, "rs");
    let wrong: Vec<_> = all.keys().filter(|path| path.ends_with("/mod.rs")).collect();
    assert!(wrong.is_empty(), "{wrong:?}: put it beside its folder, as FOLDER.rs");
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    for (path, text) in files(PRODUCT, "rs") {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") || first.starts_with("#![doc"), "{path}: {first}");
    }
}

/// Returns the files between backquotes: `graph.rs`, `graph/walk.rs`, `reacton-core/src/graph.rs`.
fn named_files(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_file = |name: &&str| {
        name.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs")
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
    };
    quoted.filter(is_file).collect()
}

#[test]
fn every_file_that_the_papers_name_exists() {
    let all = files(EVERYTHING, "rs");
    for paper in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/contract.md", "docs/protocol.md"] {
        let text = read(paper);
        for name in named_files(&text) {
            let exists = root().join(name).is_file()
                || all.keys().any(|path| path.ends_with(&format!("/{name}")));
            assert!(exists, "{paper} names {name}");
        }
    }
    assert_eq!(named_files("see `a/b.rs` and `x`, `c.rs`"), ["a/b.rs", "c.rs"]);
}

#[test]
fn every_program_that_must_compile_is_listed() {
    let manifest = read("tests/ui_pass/Cargo.toml");
    for path in files(&["tests/ui_pass"], "rs").keys() {
        let name = path.trim_start_matches("tests/ui_pass/");
        assert!(
            manifest.contains(&format!("path = \"{name}\"")),
            "Cargo.toml does not list {name}"
        );
    }
}
