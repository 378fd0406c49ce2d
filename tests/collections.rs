//! The contract of collections, C1 to C14. Each name begins with the promise it tests.

#[path = "collections/batches.rs"]
mod batches;
#[path = "collections/changes.rs"]
mod changes;
#[path = "collections/differential.rs"]
mod differential;
#[path = "collections/edits.rs"]
mod edits;
#[path = "collections/entries.rs"]
mod entries;
#[path = "collections/folds.rs"]
mod folds;
#[path = "collections/list_differential.rs"]
mod list_differential;
#[path = "collections/lists.rs"]
mod lists;
#[path = "collections/own_merge.rs"]
mod own_merge;
#[path = "collections/streams.rs"]
mod streams;
#[path = "collections/user_code.rs"]
mod user_code;
#[path = "collections/user_drops.rs"]
mod user_drops;
#[path = "collections/user_keys.rs"]
mod user_keys;
#[path = "collections/view_diffs.rs"]
mod view_diffs;
#[path = "collections/view_ends.rs"]
mod view_ends;
#[path = "collections/view_lists.rs"]
mod view_lists;
#[path = "collections/view_random.rs"]
mod view_random;
#[path = "collections/views.rs"]
mod views;

use std::fmt::Debug;
use std::sync::Arc;

use reacton::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    name: String,
    open: bool,
}

fn row(name: &str) -> Row {
    Row { name: name.into(), open: false }
}

#[reacton]
static ROWS: ReactonMap<u32, Row> = ReactonMap::new();

#[reacton]
static CHOSEN: ReactonSet<u32> = ReactonSet::new();

#[reacton]
static DONE: Counter = Counter::new();

#[reacton]
static TITLE: String = String::new();

/// A change as a short text.
fn told<K: Debug>(change: &Change<K, Arc<Row>>) -> String {
    match change {
        Change::Added { key, new } => format!("+{key:?} {}", new.name),
        Change::Replaced { key, old, new } => format!("{key:?} {} {}", old.name, new.name),
        Change::Removed { key, old } => format!("-{key:?} {}", old.name),
    }
}

/// Returns a log of the calls of an observer of `ROWS`.
fn log_changes(store: &ReactonStore) -> reacton_support::Log<Vec<String>> {
    let log = reacton_support::Log::new();
    let heard = log.clone();
    store
        .subscribe_changes(&ROWS, move |_, changes| heard.push(changes.iter().map(told).collect()));
    log
}
