//! Groups in lists of what is saved, and histories beside a file.

use reacton::persist::{Persist, Redb, Saved, saved};
use reacton::prelude::*;

use crate::settings::{COUNT, LONG, PICTURE, ROWS, SETTINGS, Settings, folder};

const ALBUM: Group = group![PICTURE, ROWS];
const ALL: Group = group![SETTINGS, ..ALBUM];

fn open(store: &ReactonStore, folder: &tempfile::TempDir) -> Saved {
    let path = folder.path().join("state.redb");
    Persist::new(saved![COUNT, ..ALL]).open(store, Redb::at(path)).expect("the file can be opened")
}

fn dark() -> Settings {
    Settings { theme: String::from("dark"), size: 14.5 }
}

#[test]
fn d1_a_group_is_saved_with_all_that_it_lists() {
    let folder = folder();
    let store = ReactonStore::new();
    let saved = open(&store, &folder);
    store.batch(|store| {
        store.set(&COUNT, 7);
        store.set(&SETTINGS, dark());
        store.set(&PICTURE, vec![1, 2, 3]);
        store.update(&ROWS, |rows| _ = rows.insert(4, String::from("four")));
    });
    drop(saved);

    let store = ReactonStore::new();
    let _saved = open(&store, &folder);
    assert_eq!((store.get(&COUNT), store.get(&SETTINGS)), (7, dark()));
    assert_eq!(store.get(&PICTURE), [1, 2, 3]);
    assert_eq!(store.with(&ROWS, |rows| rows.get(&4).cloned()), Some(String::from("four")));
}

#[test]
fn d1_a_reset_and_an_undo_are_saved_as_any_write() {
    let folder = folder();
    let store = ReactonStore::new();
    let saved = open(&store, &folder);
    let history = store.history(ALL).keep(10);
    store.set(&SETTINGS, dark());
    store.update(&ROWS, |rows| _ = rows.insert(4, String::from("four")));
    store.reset(ALL);
    history.undo();
    store.update(&ROWS, |rows| _ = rows.insert(5, String::from("five")));
    history.undo();
    saved.flush(LONG).expect("everything is written");
    drop(saved);

    let store = ReactonStore::new();
    let history = store.history(ALL);
    let _saved = open(&store, &folder);
    assert_eq!(store.get(&SETTINGS), dark());
    assert_eq!(store.with(&ROWS, |rows| rows.keys().copied().collect::<Vec<_>>()), [4]);
    assert!(!store.get(history.can_undo()), "what the file holds is not the user's own work");
}
