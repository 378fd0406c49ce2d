//! C5: a type of the program is written by edits if it implements `Merge` and is declared with `merge`.

use std::collections::BTreeSet;
use std::sync::Arc;

use reacton::Version;
use reacton::collections::{Compose, Edit, Merge, Which, Writer};
use reacton::prelude::*;
use reacton_support::Log;

/// A list of texts that only grows.
#[derive(Clone, Default)]
struct Diary {
    lines: Arc<BTreeSet<String>>,
    added: Option<Added>,
}

/// The new lines.
#[derive(Clone, Default, Debug)]
struct Added(BTreeSet<String>);

impl Diary {
    fn write(&mut self, line: &str) {
        if Arc::make_mut(&mut self.lines).insert(line.into())
            && let Some(Added(added)) = &mut self.added
        {
            added.insert(line.into());
        }
    }
}

impl Compose for Added {
    type Value = String;
    type Change = String;

    fn then(&mut self, later: &Self) {
        self.0.extend(later.0.iter().cloned());
    }

    fn drop_equal(&mut self, _: &mut dyn FnMut(&String, &String) -> bool) {}

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn list(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

impl Merge for Diary {
    type Key = String;
    type Item = ();
    type Changes = Added;

    fn begin(&mut self, _: Writer) {
        self.added = Some(Added::default());
    }

    fn settle(&mut self) -> Option<Added> {
        self.added.take().filter(|added| !added.is_empty())
    }

    fn replace(&mut self, other: Self) {
        other.lines.iter().for_each(|line| self.write(line));
    }

    fn restore(&mut self, other: &Self) {
        self.replace(other.clone());
    }

    fn everything(&self) -> Added {
        Added(BTreeSet::clone(&self.lines))
    }

    fn seal(&mut self, _: Version, _: &mut dyn FnMut(Edit<&String, &()>)) {}

    fn join(&mut self, edit: Edit<String, ()>, _: Version) -> bool {
        match edit {
            Edit::Put(line, ()) => Arc::make_mut(&mut self.lines).insert(line),
            Edit::Remove(_) | Edit::Reset => false,
        }
    }

    fn show(&self, _: Which<'_, String>, show: &mut dyn FnMut(Edit<&String, &()>, Version)) {
        self.lines.iter().for_each(|line| show(Edit::Put(line, &()), Version::NEVER));
    }

    fn disown(&mut self, _: &String) {}
}

#[reacton(merge)]
static DIARY: Diary = Diary::default();

/// Another name of a collection.
type Names = ReactonMap<u32, String>;

#[reacton(merge, zero_copy)]
static NAMES: Names = Names::new();

#[test]
fn c5_a_type_of_the_program_is_edited_observed_and_restored() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    let before = store.snapshot();
    store.subscribe_changes(&DIARY, move |_, lines| heard.push(lines.to_vec()));
    store.batch(|store| {
        store.update(&DIARY, |diary| diary.write("b"));
        store.update(&DIARY, |diary| diary.write("a"));
    });
    store.update(&DIARY, |diary| diary.write("a"));
    let mut other = Diary::default();
    other.write("c");
    store.set(&DIARY, other);
    // By the rules of this type, nothing is ever removed.
    store.restore(&before);
    assert_eq!(log.take(), [vec!["a".to_owned(), "b".into()], vec!["c".into()]]);
    assert_eq!(store.with(&DIARY, |diary| diary.lines.len()), 3);
}

#[test]
fn c5_another_name_of_a_collection_is_declared_by_merge() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&NAMES.at(1), move |_, name: &Option<String>| heard.push(name.clone()));
    store.update(&NAMES, |names| names.insert(1, "one".into()));
    assert_eq!(log.take(), [Some("one".to_owned())]);
}
