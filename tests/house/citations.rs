//! Checks numbers of promises and rules: each cited number is in the documents, and each promise has a test.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, read};

/// Returns the promises by number, such as `S3`: the text from one number to the next.
pub(crate) fn promises() -> BTreeMap<String, String> {
    let text = read("docs/contract.md");
    let mut found = BTreeMap::new();
    for part in text.split("\n**").skip(1) {
        let (number, text) = part.split_once("**").expect("the number is followed by two stars");
        let before = found.insert(number.to_owned(), text.to_owned());
        assert!(before.is_none(), "docs/contract.md defines {number} twice");
    }
    assert!(found.len() >= 30, "only {} promises were found", found.len());
    found
}

/// Returns the rules of docs/protocol.md.
fn rules() -> BTreeSet<u32> {
    let text = read("docs/protocol.md");
    let heads = text.lines().filter_map(|line| line.strip_prefix("### Rule "));
    let mut rules = BTreeSet::new();
    for number in heads {
        let is_new = rules.insert(number.parse().expect("the text is a number"));
        assert!(is_new, "docs/protocol.md defines rule {number} twice");
    }
    assert!(rules.len() >= 17, "only {} rules were found", rules.len());
    rules
}

/// Returns the number that the name of a test begins with: `S3` of `s3_a_batch_is_one`.
fn cited_by(test: &str) -> Option<String> {
    let (number, _) = test.split_once('_')?;
    let digits = number.strip_prefix(['s', 'r', 'i', 'l', 'k', 'p', 'n', 'c', 'd', 'g'])?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.to_uppercase())
}

/// The folders with tests that cite promises.
const TESTED: &[&str] = &["tests", "extensions", "reacton-core/src", "reacton-isolate/src"];

/// Returns each promise that a test cites, with the file of the test.
pub(crate) fn citing_tests() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in files(TESTED, "rs") {
        let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
        found.extend(names.filter_map(|(name, _)| Some((cited_by(name)?, path.clone()))));
    }
    found
}

/// Returns the numbers after `rule` or `rules` in a text, even if a comment is broken in between.
fn rules_cited_in(text: &str) -> Vec<u32> {
    let words: Vec<_> = text.split(|char: char| !char.is_alphanumeric()).collect();
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let pairs = words.windows(2).filter(|pair| ["rule", "Rule", "rules"].contains(&pair[0]));
    pairs.filter_map(|pair| pair[1].parse().ok()).collect()
}

#[test]
fn every_promise_that_a_test_cites_is_in_the_contract() {
    let promises = promises();
    for (number, path) in citing_tests() {
        assert!(promises.contains_key(&number), "{path} cites {number}");
    }
}

#[test]
fn every_promise_is_tested_in_the_files_that_the_contract_names() {
    let tests: BTreeSet<_> = citing_tests().into_iter().collect();
    for (number, text) in promises() {
        let (_, named) =
            text.split_once("*Tests:*").unwrap_or_else(|| panic!("{number}: no tests"));
        let named: Vec<_> = named.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{number} names no file");
        for path in &named {
            assert!(
                tests.contains(&(number.clone(), (*path).to_owned())),
                "{path} has no test of {number}"
            );
        }
        for (_, path) in tests.iter().filter(|(its_number, _)| *its_number == number) {
            assert!(named.contains(&path.as_str()), "{number} does not name {path}");
        }
        assert!(text.contains("*Why:*"), "{number} does not say why");
    }
}

#[test]
fn every_rule_that_is_cited_is_in_the_protocol() {
    let rules = rules();
    let mut cited = BTreeSet::new();
    let mut all = files(&["reacton-core/src", "reacton-isolate/src", "tests"], "rs");
    all.extend(files(&["tests/mutants"], "mutant"));
    for (path, text) in all.iter().filter(|(path, _)| !path.starts_with("tests/house")) {
        for rule in rules_cited_in(text) {
            assert!(rules.contains(&rule), "{path} cites rule {rule}");
            cited.insert(rule);
        }
        assert!(!text.contains("SYNC.md"), "{path} cites a document that is not in the repository");
    }
    assert!(cited.len() > 15, "only {cited:?} are cited");
}

/// Returns the mutants that docs/protocol.md lists for each rule.
fn mutants_in_the_protocol() -> BTreeSet<(u32, String)> {
    let text = read("docs/protocol.md");
    let mut found = BTreeSet::new();
    for section in text.split("\n### Rule ").skip(1) {
        let (number, rest) = section.split_once('\n').expect("the section has a headline");
        let rule: u32 = number.parse().expect("the text is a number");
        let (_, list) =
            rest.split_once("*Mutants:*").unwrap_or_else(|| panic!("rule {rule} lists none"));
        let list = list.split("\n\n").next().unwrap_or_default();
        found.extend(list.split('`').skip(1).step_by(2).map(|name| (rule, name.to_owned())));
    }
    found
}

#[test]
fn every_rule_has_the_mutants_that_the_protocol_lists() {
    let mut broken = BTreeSet::new();
    for (path, text) in files(&["tests/mutants"], "mutant") {
        let name = path.trim_start_matches("tests/mutants/").trim_end_matches(".mutant");
        let title = text.lines().next().unwrap_or_default();
        broken.extend(rules_cited_in(title).into_iter().map(|rule| (rule, name.to_owned())));
    }
    assert_eq!(
        mutants_in_the_protocol(),
        broken,
        "docs/protocol.md, and the titles of the mutants"
    );
    let with_mutants = broken.into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(rules(), with_mutants, "each rule has a mutant");
}

#[test]
fn numbers_are_found() {
    assert_eq!(cited_by("s10_nothing_leaks").as_deref(), Some("S10"));
    assert_eq!(cited_by("spawn_it"), None);
    assert_eq!(rules_cited_in("as (rule 11). Two rules 8 and, of Rule\n    /// 9 one"), [11, 8, 9]);
}
