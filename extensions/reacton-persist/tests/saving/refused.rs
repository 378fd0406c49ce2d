//! Values that cannot be saved.

use std::sync::atomic::{AtomicU8, Ordering};

use reacton::persist::{Persist, Problem, Redb, saved};
use reacton::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use crate::settings::{COUNT, LONG, folder};

/// Has no form in a file if it is 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Share(#[serde(serialize_with = "not_zero")] u8);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn not_zero<S: Serializer>(share: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    if *share == 0 {
        return Err(serde::ser::Error::custom("nothing to share"));
    }
    serializer.serialize_u8(*share)
}

#[reacton(id = "share")]
static SHARE: Share = Share(1);

/// One of its fields is not in the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Filter {
    text: String,
    #[serde(skip)]
    found: u8,
}

#[reacton(id = "filter")]
static FILTER: Filter = Filter::default();

/// Can be changed without a write.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Level(AtomicU8);

impl Clone for Level {
    fn clone(&self) -> Self {
        Self(AtomicU8::new(self.0.load(Ordering::Relaxed)))
    }
}

impl PartialEq for Level {
    fn eq(&self, other: &Self) -> bool {
        self.0.load(Ordering::Relaxed) == other.0.load(Ordering::Relaxed)
    }
}

#[reacton(id = "level")]
static LEVEL: Level = Level::default();

/// The only problem.
fn reason(problems: &[Problem]) -> String {
    match problems {
        [problem @ Problem::NotSaved { .. }] => problem.to_string(),
        _ => panic!("{problems:?}"),
    }
}

#[test]
fn a_value_that_does_not_encode_is_reported_once_and_the_one_from_before_stays() {
    let folder = folder();
    let path = folder.path().join("state.redb");
    let store = ReactonStore::new();
    let saved =
        Persist::new(saved![SHARE, COUNT]).open(&store, Redb::at(&path)).expect("the file opens");
    store.set(&SHARE, Share(5));
    for count in [1, 2] {
        store.batch(|store| {
            store.set(&SHARE, Share(0));
            store.set(&COUNT, count);
        });
        store.set(&SHARE, Share(0));
    }
    saved.flush(LONG).expect("the others are written");
    let reason = reason(&store.get(saved.problems()));
    assert!(reason.contains("`share`") || reason.contains("SHARE"), "{reason}");
    assert!(reason.contains("nothing to share"), "{reason}");
    drop(saved);

    let store = ReactonStore::new();
    let saved =
        Persist::new(saved![SHARE, COUNT]).open(&store, Redb::at(&path)).expect("the file opens");
    assert_eq!((store.get(&SHARE), store.get(&COUNT)), (Share(5), 2));
    assert_eq!(store.get(saved.problems()), []);
}

#[cfg(debug_assertions)]
#[test]
fn a_value_that_serde_does_not_keep_is_reported_without_advice_for_links() {
    let folder = folder();
    let store = ReactonStore::new();
    let file = Redb::at(folder.path().join("state.redb"));
    let saved = Persist::new(saved![FILTER]).open(&store, file).expect("the file opens");
    store.set(&FILTER, Filter { text: String::from("blue"), found: 3 });
    saved.flush(LONG).expect("nothing is left to write");
    let reason = reason(&store.get(saved.problems()));
    assert!(reason.contains("`#[serde(skip)]`") && reason.contains("Filter"), "{reason}");
    assert!(!reason.contains("zero_copy"), "{reason}");
}

#[cfg(debug_assertions)]
#[test]
fn a_value_that_was_changed_without_a_write_is_reported_as_not_in_the_file() {
    let folder = folder();
    let store = ReactonStore::new();
    let file = Redb::at(folder.path().join("state.redb"));
    let saved = Persist::new(saved![LEVEL]).open(&store, file).expect("the file opens");
    store.set(&LEVEL, Level(AtomicU8::new(1)));
    store.with(&LEVEL, |level| level.0.store(9, Ordering::Relaxed));
    // The next turn finds it.
    store.set(&LEVEL, Level(AtomicU8::new(9)));
    store.pump();
    let reason = reason(&store.get(saved.problems()));
    assert!(reason.contains("the file") && !reason.contains("other stores"), "{reason}");
}
