//! Banned words: invented terms, and words that describe code as a person.

use std::collections::BTreeMap;

use super::{PRODUCT, compare_with_exceptions, files, read};

/// Each word with its replacement.
const BANNED: [(&str, &str); 21] = [
    ("whoever", "each caller, each store"),
    ("gives", "returns, passes, calls"),
    ("steers", "controls"),
    ("nursery", "pending restarts"),
    ("cradle", "start signal"),
    ("unborn", "pending restart"),
    ("stillborn", "failed replacement"),
    ("bury", "on_worker_exit"),
    ("conceive", "open_link"),
    ("farewell", "close guard"),
    ("hush", "mute"),
    ("unhang", "close"),
    ("nudge", "wake-up"),
    ("upheaval", "topology epoch"),
    ("crew", "pool_shared"),
    ("employ", "add_pool"),
    ("stranger", "not a reacton"),
    ("doubted", "reported_stale"),
    ("in_vain", "fruitless"),
    ("bell", "notifier"),
    ("adopt", "add_worker"),
];

/// Returns the words of code and comments, in lower case. `is_hushed` has two words, and so has `FirstCrew`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for char in text.chars() {
        if !char.is_alphanumeric() || (char.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if char.is_alphanumeric() {
            words.last_mut().expect("the list is not empty").extend(char.to_lowercase());
        }
        was_lower = char.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns whether `word` is the banned one, or its plural.
fn is(word: &str, banned: &str) -> bool {
    word == banned || word.strip_suffix('s') == Some(banned)
}

#[test]
fn no_banned_word_is_in_the_product() {
    compare_with_exceptions("word", &banned_in(files(PRODUCT, "rs")));
}

#[test]
fn no_banned_word_is_in_tests_examples_benches_and_papers() {
    let mut texts = files(&["tests", "extensions", "examples", "benches/src", "fuzz"], "rs");
    texts.extend(files(&["docs", "examples", "extensions", "benches", "fuzz", "tests"], "md"));
    for paper in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        texts.insert(paper.to_owned(), read(paper));
    }
    // Except for the list itself, and the name of a group of clippy's lints.
    texts.retain(|path, _| !path.starts_with("tests/house/"));
    let strict = texts.get_mut("tests/strict.rs").expect("there is a test of strict lints");
    *strict = strict.replace("clippy::nursery", "");
    let found = banned_in(texts);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn an_expectation_names_what_it_expects() {
    let everything = ["src", "reacton-core", "reacton-isolate", "reacton-macros", "extensions"];
    let mut texts = files(&everything, "rs");
    texts.extend(files(&["tests", "examples", "benches", "fuzz"], "rs"));
    // Except for this test.
    texts.retain(|path, _| path != "tests/house/words.rs");
    let begins =
        |line: &str| ["(\"it ", "(\"they "].iter().any(|it| line.contains(&format!("expect{it}")));
    let found = texts.iter().flat_map(|(path, text)| {
        let lines = text.lines().filter(|line| begins(line));
        lines.map(move |line| format!("{path}: {}", line.trim()))
    });
    let found: Vec<_> = found.collect();
    assert!(
        found.is_empty(),
        "`it` and `they` say nothing when a test fails:\n{}",
        found.join("\n")
    );
}

/// Returns how often each banned word is in each file.
fn banned_in(texts: BTreeMap<String, String>) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (path, text) in texts {
        for word in words(&text) {
            if let Some((banned, _)) = BANNED.iter().find(|(banned, _)| is(&word, banned)) {
                *found.entry(format!("{banned} {path}")).or_default() += 1;
            }
        }
    }
    found
}

#[test]
fn words_are_found_in_names_and_comments() {
    assert_eq!(words("is_hushed, FirstCrew(rings)"), ["is", "hushed", "first", "crew", "rings"]);
    assert!(is("crews", "crew") && !is("crewed", "crew"));
}
