//! The guide in docs/: all chapters are part of the documentation, and the compiler still prints the messages that they
//! quote.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the names of the chapters, without the front page.
fn chapters() -> BTreeSet<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs");
    let files = fs::read_dir(folder).expect("the guide is a folder");
    let names = files.map(|entry| entry.expect("the folder can be read").file_name());
    let chapters = names.filter_map(|name| name.to_str()?.strip_suffix(".md").map(str::to_owned));
    let chapters: BTreeSet<_> = chapters.filter(|chapter| chapter != "guide").collect();
    assert!(chapters.len() > 10, "{chapters:?}");
    chapters
}

/// A message as a chapter quotes it: the name of its case, and its pieces, between which text was left out.
struct Quote {
    case: String,
    pieces: Vec<String>,
}

/// Returns the case in a heading such as ``## A store by value (`worker_store_by_value`)``.
fn case_of(heading: &str) -> Option<&str> {
    heading.strip_prefix("## ")?.strip_suffix("`)")?.rsplit_once("(`").map(|(_, case)| case)
}

/// Returns the messages that a chapter quotes: each is a block of text below a heading that names its case.
fn quotes(chapter: &str) -> Vec<Quote> {
    let mut quotes = Vec::new();
    let mut case = None;
    let mut lines = chapter.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            case = case_of(line);
        }
        if line == "```text" {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let pieces = block.split(|line| line.is_empty()).map(|piece| piece.join("\n"));
            let case = case
                .unwrap_or_else(|| panic!("no heading names the source of this block: {block:?}"));
            quotes.push(Quote { case: case.to_owned(), pieces: pieces.collect() });
        }
    }
    quotes
}

/// Returns the first piece that is not in `message` in whole lines, behind the pieces before it.
fn missing<'q>(quote: &'q Quote, message: &str) -> Option<&'q str> {
    let message = format!("\n{message}\n");
    let mut from = 0;
    for piece in &quote.pieces {
        match message[from..].find(&format!("\n{piece}\n")) {
            // Up to the end of the piece's last line, where the next line begins.
            Some(at) => from += at + 1 + piece.len(),
            None => return Some(piece),
        }
    }
    None
}

#[test]
fn the_quotes_in_the_common_mistakes_are_up_to_date() {
    let quotes = quotes(&read("docs/common_mistakes.md"));
    assert!(quotes.len() >= 12, "{} messages were found", quotes.len());
    let changed: Vec<_> = quotes
        .iter()
        .filter_map(|quote| {
            let path = format!("tests/ui/{}.stderr", quote.case);
            let missing = missing(quote, &read(&path))?;
            Some(format!("{path} does not say:\n{missing}\n"))
        })
        .collect();
    assert!(changed.is_empty(), "docs/common_mistakes.md is out of date\n\n{}", changed.join("\n"));
}

#[test]
fn a_quote_that_no_message_contains_is_found() {
    let chapter = "## One (`a_case`)\n\n```text\nerror: one\n\n2 | two\n```\n";
    let [quote] = &quotes(chapter)[..] else { panic!("the text has one block") };
    assert_eq!((quote.case.as_str(), quote.pieces.len()), ("a_case", 2));
    assert_eq!(missing(quote, "error: one\n  --> x.rs\n2 | two\n3 | three"), None);
    assert_eq!(
        missing(quote, "2 | two\nerror: one"),
        Some("2 | two"),
        "the lines are in another order"
    );
    assert_eq!(
        missing(quote, "error: one more\n2 | two"),
        Some("error: one"),
        "only a part of the line is there"
    );
}

#[test]
fn every_chapter_is_part_of_the_documentation_and_of_the_front_page() {
    let (module, front) = (read("src/guide.rs"), read("docs/guide.md"));
    for chapter in chapters() {
        assert!(
            module.contains(&format!("include_str!(\"../docs/{chapter}.md\")")),
            "src/guide.rs does not include {chapter}"
        );
        assert!(
            front.contains(&format!("][{chapter}.md]")),
            "docs/guide.md has no link to {chapter}"
        );
    }
}

/// Returns the anchor that rustdoc makes for a heading.
fn place_of(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Returns where the links of a chapter with an anchor lead: to this chapter, or by a definition to another one.
fn links_with_a_place(text: &str) -> Vec<(&str, &str)> {
    let here = text.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
    let defined = text.lines().filter(|line| line.starts_with('[')).filter_map(|line| {
        let (_, target) = line.split_once("]: ")?;
        target.split_once(".md#")
    });
    here.map(|place| ("", place)).chain(defined).collect()
}

/// `cargo doc` checks that the chapter exists, but not that it has this heading.
#[test]
fn links_lead_to_headings_that_there_are() {
    let chapters: Vec<_> =
        chapters().into_iter().map(|name| (read(&format!("docs/{name}.md")), name)).collect();
    let places: BTreeSet<_> = chapters
        .iter()
        .flat_map(|(text, name)| {
            let headings =
                text.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
            headings.map(move |heading| format!("{name}#{}", place_of(heading)))
        })
        .collect();
    let mut links = 0;
    for (text, name) in &chapters {
        for (chapter, place) in links_with_a_place(text) {
            let chapter = if chapter.is_empty() { name } else { chapter };
            assert!(
                places.contains(&format!("{chapter}#{place}")),
                "{name}: no heading for {chapter}#{place}"
            );
            links += 1;
        }
    }
    assert!(links > 5, "{links} links with a place were found");
}
