//! The contract of sharing, I1 to I11, on real threads. Each name begins with the promise it tests.
//!
//! Nothing sleeps: threads meet at turns and at channels.

#[path = "sharing/beginning.rs"]
mod beginning;
#[path = "sharing/convergence.rs"]
mod convergence;
#[path = "sharing/directions.rs"]
mod directions;
#[path = "sharing/echoes.rs"]
mod echoes;
#[path = "sharing/edits.rs"]
mod edits;
#[path = "sharing/failures.rs"]
mod failures;
#[path = "sharing/in_between.rs"]
mod in_between;
#[path = "sharing/in_place.rs"]
mod in_place;
#[path = "sharing/order.rs"]
mod order;
#[path = "sharing/pairs.rs"]
mod pairs;
#[path = "sharing/panics.rs"]
mod panics;
#[path = "sharing/pauses.rs"]
mod pauses;
#[path = "sharing/serde_table.rs"]
mod serde_table;
#[path = "sharing/settling.rs"]
mod settling;
#[path = "sharing/snapshots.rs"]
mod snapshots;
#[path = "sharing/transactions.rs"]
mod transactions;
#[path = "sharing/trees.rs"]
mod trees;
#[path = "sharing/values.rs"]
mod values;

use std::sync::mpsc::{Receiver, Sender};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive};

/// A question to every worker that shares it. Each link keeps its order, so a store that receives the question has
/// applied everything that main sent before.
#[reacton]
static ASK: u32 = 0;

/// Makes a worker's store send the result of `look` whenever main asks.
fn answer<T: Send + 'static>(
    store: &ReactonStore,
    tell: Sender<T>,
    look: impl Fn(&ReactonStore) -> T + 'static,
) {
    store.subscribe(&ASK, move |store, _| tell.send(look(store)).expect("the channel is open"));
}

/// Asks one worker, and returns its answer.
#[track_caller]
fn ask<T>(store: &ReactonStore, told: &Receiver<T>) -> T {
    store.update(&ASK, |asked| *asked += 1);
    receive(told)
}

/// Shuts a worker down, and checks that it has lost nothing.
#[track_caller]
fn end(worker: IsolateStore) {
    worker.shutdown(TIMEOUT).expect("the worker ends");
}
