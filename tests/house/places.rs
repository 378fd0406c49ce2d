//! Checks which promises hold in processes: tests/processes/README.md lists all that are not tested there.

use std::collections::{BTreeMap, BTreeSet};

use super::citations::{citing_tests, promises};
use super::read;

const LIST: &str = "tests/processes/README.md";

fn is_of_sharing_or_life(promise: &str) -> bool {
    promise.starts_with(['I', 'L'])
}

/// Returns the cells of the rows of the table below a heading.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = read(LIST);
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("{LIST}: no {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(2);
    let cells = |line: &str| {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(cells).collect()
}

#[test]
fn every_promise_of_sharing_and_life_is_tested_in_a_process_or_listed() {
    let tested: BTreeSet<_> = citing_tests()
        .into_iter()
        .filter(|(_, path)| path.starts_with("tests/processes/"))
        .map(|(promise, _)| promise)
        .collect();
    let listed: BTreeSet<_> =
        rows("## Cannot hold").into_iter().map(|row| row[0].clone()).collect();
    let all: Vec<_> =
        promises().into_keys().filter(|promise| is_of_sharing_or_life(promise)).collect();
    assert_eq!(all.len(), 18, "I1 to I11 and L1 to L7 are 18 promises");
    for promise in &all {
        assert!(
            tested.contains(promise) || listed.contains(promise),
            "{promise} has neither a test in both places nor an entry in the list"
        );
    }
    for row in rows("## Cannot hold") {
        assert!(all.contains(&row[0]), "{} is no promise", row[0]);
        assert!(row.len() == 3 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
}

#[test]
fn every_file_with_such_tests_says_what_runs_in_a_process() {
    let mut expected = BTreeMap::<_, BTreeSet<_>>::new();
    for (promise, path) in citing_tests() {
        if is_of_sharing_or_life(&promise)
            && path.starts_with("tests/")
            && !path.starts_with("tests/processes")
        {
            expected.entry(path).or_default().insert(promise);
        }
    }
    let mut twins = String::new();
    for file in ["deaths", "ending", "places", "sharing", "starting"] {
        twins.push_str(&read(&format!("tests/processes/{file}.rs")));
    }
    let mut listed = BTreeMap::<_, BTreeSet<_>>::new();
    for row in rows("## File by file") {
        let [path, promises, why] = &row[..] else { panic!("{row:?} does not have three cells") };
        assert!(!why.is_empty(), "{path} has no reason");
        for test in why.split('`').skip(1).step_by(2).filter(|name| !name.contains(['.', '/'])) {
            assert!(twins.contains(&format!("fn {test}(")), "{path}: there is no test {test}");
        }
        let promises = promises.split(", ").map(str::to_owned).collect();
        listed.insert(path.trim_matches('`').to_owned(), promises);
    }
    for (path, promises) in &expected {
        assert_eq!(listed.get(path), Some(promises), "{path} in {LIST}");
    }
    for path in listed.keys() {
        assert!(expected.contains_key(path), "{path} has no test of I or L");
    }
}
