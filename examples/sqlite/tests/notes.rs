//! The storage keeps what it is told, in one process at a time, and nothing that is damaged is written over.

use std::path::Path;
use std::time::Duration;

use reacton::persist::{OpenError, Persist, Problem, Saved, Storage, saved};
use reacton::prelude::*;
use sqlite::Sqlite;

#[reacton(id = "count")]
static COUNT: u32 = 0;
#[reacton(id = "rows")]
static ROWS: ReactonMap<u32, String> = ReactonMap::new();

fn open(store: &ReactonStore, path: &Path) -> Result<Saved, OpenError> {
    Persist::new(saved![COUNT, ROWS]).open(store, Sqlite::at(path))
}

#[test]
fn rows_come_back_and_a_second_connection_is_refused() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("state.sqlite");
    let store = ReactonStore::new();
    let saved = open(&store, &path).expect("the file opens");
    store.batch(|store| {
        store.set(&COUNT, 3);
        store.update(&ROWS, |rows| (0..100).for_each(|key| drop(rows.insert(key, "x".into()))));
    });
    saved.flush(Duration::from_secs(60)).expect("all is written");
    store.update(&ROWS, |rows| drop(rows.remove(&5)));
    let second = open(&ReactonStore::new(), &path).map(drop);
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    drop(saved);
    let store = ReactonStore::new();
    let _saved = open(&store, &path).expect("the file opens");
    assert_eq!((store.get(&COUNT), store.with(&ROWS, ReactonMap::len)), (3, 99));
}

#[test]
fn a_damaged_file_is_kept_aside() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("state.sqlite");
    std::fs::write(&path, "no database at all, but a text").expect("the file is written");
    let store = ReactonStore::new();
    let saved = open(&store, &path).expect("the file opens");
    let problems = store.get(saved.problems());
    let [Problem::Damaged { kept_at, bytes: 30 }] = &problems[..] else { panic!("{problems:?}") };
    assert!(std::fs::read_to_string(kept_at).expect("the file is kept").starts_with("no database"));
    store.set(&COUNT, 1);
    saved.flush(Duration::from_secs(60)).expect("the new file is written");
}

#[test]
fn each_damaged_file_is_kept_with_what_belongs_to_it() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = |name: &str| folder.path().join(name);
    let texts = ["the first text that is no database", "the second one that is no database"];
    for text in texts {
        std::fs::write(file("state.sqlite"), text).expect("the file is written");
        let store = ReactonStore::new();
        let saved = open(&store, &file("state.sqlite")).expect("the file opens");
        assert_eq!(store.with(saved.problems(), Vec::len), 1);
    }
    for (number, text) in (1..).zip(texts) {
        let kept = file(&format!("state.sqlite.damaged-{number}"));
        assert_eq!(std::fs::read_to_string(kept).expect("the file is kept"), text);
    }
    // SQLite would take a journal for that of the new file.
    std::fs::write(file("state.sqlite-journal"), "a journal").expect("the file is written");
    let kept = Sqlite::at(file("state.sqlite")).keep_aside().expect("the file is renamed");
    assert_eq!(kept.kept_at, file("state.sqlite.damaged-3"));
    let journal = std::fs::read_to_string(file("state.sqlite.damaged-3-journal"));
    assert_eq!(journal.expect("the journal is kept"), "a journal");
    assert!(!file("state.sqlite-journal").exists());
}
