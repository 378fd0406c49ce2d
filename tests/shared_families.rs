//! Families that are shared over links, C21. Each name begins with the promise it tests.

#[path = "shared_families/by_count.rs"]
mod by_count;
#[path = "shared_families/delivery.rs"]
mod delivery;
#[path = "shared_families/failures.rs"]
mod failures;
#[path = "shared_families/joining.rs"]
mod joining;
#[path = "shared_families/removals.rs"]
mod removals;
#[path = "shared_families/transactions.rs"]
mod transactions;
#[path = "shared_families/waiting.rs"]
mod waiting;

use std::cell::RefCell;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::TIMEOUT;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Todo {
    text: String,
    done: bool,
}

fn todo(text: &str) -> Todo {
    Todo { text: text.into(), done: false }
}

#[reacton]
static TODO: Family<u64, Todo> = |id| todo(&format!("todo {id}"));

/// Members that are numbers.
#[reacton]
static SCORE: Family<String, i64> = |_| 0;

#[reacton]
static TITLE: String = String::new();

fn text(store: &ReactonStore, id: u64) -> String {
    store.with(&TODO.of(id), |todo| todo.text.clone())
}

fn write(store: &ReactonStore, id: u64, text: &str) {
    store.set(&TODO.of(id), todo(text));
}

/// The members that a store holds.
fn held(store: &ReactonStore) -> Vec<(u64, String)> {
    let mut keys = store.keys(&TODO);
    keys.sort_unstable();
    keys.into_iter().map(|id| (id, text(store, id))).collect()
}

fn expected(members: &[(u64, &str)]) -> Vec<(u64, String)> {
    members.iter().map(|(id, text)| (*id, (*text).to_owned())).collect()
}

fn scores(store: &ReactonStore) -> Vec<(String, i64)> {
    let mut keys = store.keys(&SCORE);
    keys.sort();
    keys.into_iter().map(|key| (key.clone(), store.get(&SCORE.of(key)))).collect()
}

/// Spawns a worker, and returns its store, which is on this thread.
fn spawn(
    simulation: &Simulation,
    store: &ReactonStore,
    delivery: Delivery,
) -> (IsolateStore, ReactonStore) {
    let builder = IsolateStore::builder().shared(shared![TODO, SCORE, TITLE]);
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
