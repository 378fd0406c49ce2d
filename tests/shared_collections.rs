//! Collections that are shared over links, C15 to C20. Each name begins with the promise it tests.

#[path = "shared_collections/by_count.rs"]
mod by_count;
#[path = "shared_collections/counters.rs"]
mod counters;
#[path = "shared_collections/delivery.rs"]
mod delivery;
#[path = "shared_collections/failures.rs"]
mod failures;
#[path = "shared_collections/joining.rs"]
mod joining;
#[path = "shared_collections/lists.rs"]
mod lists;
#[path = "shared_collections/pools.rs"]
mod pools;
#[path = "shared_collections/transactions.rs"]
mod transactions;
#[path = "shared_collections/user_code.rs"]
mod user_code;
#[path = "shared_collections/user_keys.rs"]
mod user_keys;
#[path = "shared_collections/waiting.rs"]
mod waiting;

use std::cell::RefCell;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::TIMEOUT;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Row {
    name: String,
    open: bool,
}

fn row(name: &str) -> Row {
    Row { name: name.into(), open: false }
}

#[reacton]
static ROWS: ReactonMap<u64, Row> = [(1, row("declared"))].into();

#[reacton]
static TAGS: ReactonSet<String> = ReactonSet::new();

#[reacton]
static DONE: Counter = Counter::new();

#[reacton]
static TITLE: String = String::new();

/// The order to a worker.
#[reacton]
static ORDER: Vec<(u64, String)> = Vec::new();

fn rows(store: &ReactonStore) -> Vec<(u64, String)> {
    store.with(&ROWS, |rows| rows.iter().map(|(key, row)| (*key, row.name.clone())).collect())
}

fn insert(store: &ReactonStore, key: u64, name: &str) {
    store.update(&ROWS, |rows| rows.insert(key, row(name)));
}

fn expected(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
    rows.iter().map(|(key, name)| (*key, (*name).to_owned())).collect()
}

/// Spawns a worker, and returns its store, which is on this thread.
fn spawn(
    simulation: &Simulation,
    store: &ReactonStore,
    delivery: Delivery,
) -> (IsolateStore, ReactonStore) {
    let builder = IsolateStore::builder().shared(shared![ROWS, TAGS, DONE, TITLE]);
    let worker = builder.delivery(delivery).spawn(store, |store| {
        ON_THREAD.set(Some(store.clone()));
    });
    simulation.settle();
    (worker.expect("the worker starts"), ON_THREAD.take().expect("the worker has begun"))
}

thread_local! {
    static ON_THREAD: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
}

/// Shuts a worker down, and checks that it has lost nothing.
#[track_caller]
fn end(worker: IsolateStore) {
    worker.shutdown(TIMEOUT).expect("the worker ends");
}
