//! Checks the links of the papers: each leads to a file and a heading on a Git host, and each of the guide to an item
//! in rustdoc.

use std::collections::{BTreeMap, BTreeSet};

use super::markdown::{headings, links, prose};
use super::{files, read, root};

/// Returns the papers that are read on a Git host.
pub(crate) fn papers() -> BTreeMap<String, String> {
    let mut all = files(&["docs", "examples", "benches", "fuzz", "reacton-core"], "md");
    for paper in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        all.insert(paper.to_owned(), read(paper));
    }
    all
}

/// Returns the chapters of the guide, which rustdoc includes: the front page, and the files of `docs/`.
fn chapters() -> BTreeMap<String, String> {
    let mut all = files(&["docs"], "md");
    all.insert("README.md".to_owned(), read("README.md"));
    all
}

/// Resolves a relative path: `docs/a.md` and `../src/b.rs` make `src/b.rs`.
fn from(paper: &str, target: &str) -> String {
    let mut parts: Vec<_> = paper.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns what is wrong with a link of `paper` to `target` on a Git host, if anything is.
fn broken(paper: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { paper.to_owned() } else { from(paper, path) };
    if !root().join(&path).exists() {
        return Some(format!("{paper}: `{target}`: there is no {path}"));
    }
    let missing = !anchor.is_empty() && !headings(&read(&path)).contains(anchor);
    missing.then(|| format!("{paper}: `{target}`: {path} has no heading `#{anchor}`"))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_on_a_git_host() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (paper, text) in papers() {
        let links = links(&text);
        let targets = links.inline.iter().chain(links.definitions.values());
        for target in targets {
            wrong.extend(broken(&paper, target));
            count += 1;
        }
        let defined = |label: &String| links.definitions.contains_key(label);
        for label in links.references.iter().filter(|label| !defined(label)) {
            wrong.push(format!(
                "{paper}: `[{label}]` is not defined: add `[{label}]: PATH` at the end"
            ));
        }
        for label in links.definitions.keys().filter(|label| !links.references.contains(*label)) {
            wrong.push(format!("{paper}: `[{label}]: ..` is not used"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 300, "only {count} links were found");
}

/// Returns where rustdoc leads a link of the guide: `x.md#y` to the chapter's module, other labels to the item that
/// they name.
fn item(label: &str) -> String {
    let name = label.trim_matches('`').trim_start_matches("docs/");
    let (file, anchor) = name.split_once('#').unwrap_or((name, ""));
    if let Some(chapter) = file.strip_suffix(".md") {
        let hash = if anchor.is_empty() { "" } else { "#" };
        return format!("crate::guide::{chapter}{hash}{anchor}");
    }
    name.rsplit('@').next().unwrap_or(name).trim_start_matches("crate::").to_owned()
}

#[test]
fn every_link_of_the_guide_leads_to_an_item_in_rustdoc() {
    let in_rustdoc = links(&read("src/guide/links.md")).definitions;
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for (chapter, text) in chapters() {
        for (label, target) in links(&text).definitions {
            let item = item(&label);
            match in_rustdoc.get(&label) {
                None => wrong.push(format!("src/guide/links.md lacks `[{label}]: crate::{item}`")),
                Some(path) if !path.ends_with(&item) => {
                    wrong.push(format!("src/guide/links.md leads `[{label}]` to {path}"));
                }
                Some(_) => {}
            }
            if target.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs") {
                let name = item.rsplit("::").next().unwrap_or_default();
                let source = read(&from(&chapter, &target));
                let words: BTreeSet<_> =
                    source.split(|char: char| !char.is_alphanumeric() && char != '_').collect();
                if item != "crate" && !words.contains(name) {
                    wrong.push(format!("{chapter}: `[{label}]`: {target} does not name `{name}`"));
                }
            }
            used.insert(label);
        }
        wrong.extend(links(&text).inline.iter().filter_map(|target| {
            let works = target.starts_with("https://") || target.starts_with('#');
            let is_image = target.starts_with("docs/images/");
            (!works && !is_image).then(|| format!("{chapter}: `({target})`: write `[text][LABEL]`"))
        }));
    }
    let unused = in_rustdoc.keys().filter(|label| !used.contains(*label));
    wrong.extend(unused.map(|label| format!("src/guide/links.md: `[{label}]` is not used")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_chapter_is_in_the_guide_and_names_its_neighbours() {
    let modules = read("src/guide.rs");
    let index = read("docs/guide.md");
    for (path, text) in files(&["docs"], "md") {
        let name = path.trim_start_matches("docs/");
        assert!(
            modules.contains(&format!(
                "doc = include_str!(\"guide/links.md\")]\n#[doc = include_str!(\"../{path}\")]"
            )) || modules.contains(&format!(
                "doc = include_str!(\"guide/links.md\")]\n#![doc = include_str!(\"../{path}\")]"
            )),
            "src/guide.rs does not include guide/links.md and {path}"
        );
        assert!(
            name == "guide.md" || index.contains(&format!("[{name}]")),
            "docs/guide.md lacks {name}"
        );
        let text = prose(&text);
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        let last = if last.starts_with('[') {
            text.trim_end().rsplit("\n\n").nth(1).unwrap_or_default()
        } else {
            last
        };
        let neighbours = links(last).references;
        let names_one =
            neighbours.iter().any(|label| label.strip_suffix(".md").is_some() && label != name);
        assert!(
            last.starts_with("Read next: ") && names_one,
            "{path} must end with `Read next: ` and a link to another chapter, not with\n{last}"
        );
    }
}
