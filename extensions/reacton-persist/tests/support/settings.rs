//! What the tests save, and how they wait.

use std::time::Duration;

use reacton::persist::{Persist, Redb, SaveStatus, Saved, saved};
use reacton::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

pub(crate) const LONG: Duration = Duration::from_secs(60);

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) theme: String,
    pub(crate) size: f32,
}

#[reacton(id = "settings")]
pub(crate) static SETTINGS: Settings = Settings { theme: String::from("light"), size: 12.0 };

#[reacton(id = "count")]
pub(crate) static COUNT: u64 = 0;

#[reacton(id = "picture", zero_copy)]
pub(crate) static PICTURE: Vec<u8> = Vec::new();

#[reacton(id = "rows")]
pub(crate) static ROWS: ReactonMap<u32, String> = ReactonMap::new();

#[reacton(id = "tags")]
pub(crate) static TAGS: ReactonSet<String> = ReactonSet::new();

#[reacton(id = "queue")]
pub(crate) static QUEUE: ReactonList<String> = ReactonList::new();

#[reacton(id = "done")]
pub(crate) static DONE: Counter = Counter::new();

#[reacton(id = "note")]
pub(crate) static NOTE: Family<u32, String> = |item| format!("item {item}");

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

/// All of them, in one file of redb.
pub(crate) fn all(store: &ReactonStore, folder: &TempDir) -> Saved {
    let path = folder.path().join("state.redb");
    Persist::new(saved![SETTINGS, COUNT, PICTURE, ROWS, TAGS, QUEUE, DONE, NOTE])
        .every(Duration::from_millis(20))
        .open(store, Redb::at(path))
        .expect("the file can be opened")
}

/// Takes turns until the status is this.
pub(crate) fn until(store: &ReactonStore, saved: &Saved, is: impl Fn(&SaveStatus) -> bool) {
    let status = *saved.status();
    store.run_until(LONG, move |store| store.with(&status, &is)).expect("the status is reached");
}

pub(crate) fn is_failing(status: &SaveStatus) -> bool {
    matches!(status, SaveStatus::Failing { .. })
}
