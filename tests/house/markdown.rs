//! Reads the Markdown that the papers use (prose without code, headings, links), and checks the width of its lines.

use std::collections::{BTreeMap, BTreeSet};

use super::links::papers;

const WIDEST: usize = 120;

/// Returns the text without fenced blocks.
pub(crate) fn prose(text: &str) -> String {
    let mut in_code = false;
    let mut found = String::new();
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        if !is_fence && !in_code {
            found.push_str(line);
        }
        found.push('\n');
        in_code ^= is_fence;
    }
    found
}

/// Returns the anchors of the headings, as a Git host makes them: small letters, dashes for spaces, a number for a
/// repeated one.
pub(crate) fn headings(text: &str) -> BTreeSet<String> {
    let mut found = BTreeMap::<String, usize>::new();
    let mut anchors = BTreeSet::new();
    for line in prose(text).lines().filter(|line| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim();
        let kept = title.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
        let anchor: String = kept.flat_map(char::to_lowercase).collect();
        let anchor = anchor.replace(' ', "-");
        let before = found.entry(anchor.clone()).or_default();
        anchors.insert(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
        *before += 1;
    }
    anchors
}

#[derive(Debug, Default)]
pub(crate) struct Links {
    /// The targets of `[text](target)`.
    pub(crate) inline: Vec<String>,
    /// The labels of `[text][label]` and `[label]`.
    pub(crate) references: BTreeSet<String>,
    /// The targets of `[label]: target`, by their labels.
    pub(crate) definitions: BTreeMap<String, String>,
}

/// Returns the text with every bracket inside of backquotes replaced, so that the other brackets are parts of links.
fn without_brackets_of_code(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let pieces = paragraph.split('`').enumerate().map(|(number, piece)| {
            if number % 2 == 1 {
                piece.replace(['[', ']', '(', ')'], " ")
            } else {
                piece.to_owned()
            }
        });
        pieces.collect::<Vec<_>>().join("`")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

pub(crate) fn links(text: &str) -> Links {
    let mut found = Links::default();
    let mut rest = String::new();
    for line in prose(text).lines() {
        let definition = line.strip_prefix('[').and_then(|line| line.split_once("]: "));
        if let Some((label, target)) = definition.filter(|(_, target)| !target.contains(' ')) {
            found.definitions.insert(label.to_owned(), target.to_owned());
        } else if !line.starts_with('#') {
            rest.push_str(line);
        }
        rest.push('\n');
    }
    let rest = without_brackets_of_code(&rest);
    let mut rest = rest.as_str();
    while let Some((_, after)) = rest.split_once('[') {
        let Some((text, after)) = after.split_once(']') else { break };
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        rest = if let Some(target) = after.strip_prefix('(') {
            let (target, after) = target.split_once(')').unwrap_or((target, ""));
            found.inline.push(target.to_owned());
            after
        } else if let Some(label) = after.strip_prefix('[') {
            let (label, after) = label.split_once(']').unwrap_or((label, ""));
            found.references.insert(words(label));
            after
        } else {
            found.references.insert(words(text));
            after
        };
    }
    found
}

#[test]
fn no_line_is_wider_than_120_columns() {
    let mut wrong = Vec::new();
    for (path, text) in papers() {
        let wide = prose(&text)
            .lines()
            .enumerate()
            .filter_map(|(number, line)| {
                let may_be_wide = line.trim_start().starts_with('|')
                    || line.starts_with('[')
                    || line.starts_with("![");
                (line.chars().count() > WIDEST && !may_be_wide)
                    .then(|| format!("{path}:{}", number + 1))
            })
            .collect::<Vec<_>>();
        wrong.extend(wide);
    }
    assert!(wrong.is_empty(), "wider than {WIDEST} columns: {}", wrong.join(" "));
}

#[test]
fn links_and_headings_are_found() {
    let text = "# `a = b`, and c\n# X\n# X\n[a][b] `x[0]` [`c`]\n[text\nin two](d.md#e)\n```\n[no]\n```\n[b]: f.md\n";
    let links = links(text);
    assert_eq!(links.inline, ["d.md#e"]);
    assert_eq!(links.references.iter().collect::<Vec<_>>(), ["`c`", "b"]);
    assert_eq!(links.definitions["b"], "f.md");
    assert_eq!(headings(text).iter().collect::<Vec<_>>(), ["a--b-and-c", "x", "x-1"]);
}
