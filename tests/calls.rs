//! Calls: a question goes to a worker, and exactly one outcome comes back.
//!
//! Nothing sleeps: threads meet at barriers, channels and turns.

#[path = "calls/answers.rs"]
mod answers;
#[path = "calls/async_answers.rs"]
mod async_answers;
#[path = "calls/cancelling.rs"]
mod cancelling;
#[path = "calls/ending.rs"]
mod ending;
#[path = "calls/order.rs"]
mod order;
#[path = "calls/pools.rs"]
mod pools;
#[path = "calls/pressure.rs"]
mod pressure;
#[path = "calls/restarts.rs"]
mod restarts;
#[path = "calls/values.rs"]
mod values;
#[path = "calls/waiting.rs"]
mod waiting;

use std::error::Error;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

const SOON: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    rows: u32,
    name: String,
}

fn job(rows: u32) -> Job {
    Job { rows, name: format!("picture {rows}") }
}

#[call]
static PICTURE: Call<Job, Result<String, String>>;

/// In no list of answered calls.
#[call]
static UNLISTED: Call<u32, u32>;

/// Listed, but no code answers it.
#[call]
static FORGOTTEN: Call<u32, u32>;

/// The factor of the answers.
#[reacton]
static FACTOR: u32 = 1;

/// The value that a worker wrote before it answered.
#[reacton]
static WRITTEN: u32 = 0;

#[worker(shared = [FACTOR, WRITTEN], answers = [PICTURE, FORGOTTEN])]
fn pictures(store: &ReactonStore) {
    // Some tests drop an answer while its call runs, so nothing is expected of `is_cancelled` here.
    store.answer(&PICTURE, |store, job: &Job, _: &Asked| {
        assert!(job.rows != 13, "an unlucky job");
        store.set(&WRITTEN, job.rows);
        let rows = job.rows * store.get(&FACTOR);
        if rows == 0 { Err(String::from("no rows")) } else { Ok(format!("{} {rows}", job.name)) }
    });
}

/// Answered with the question.
#[call]
static ECHO: Call<u32, u32>;

/// Answered when the test allows it.
#[call]
static GATE: Call<u32, u32>;

/// The two ends of a gate. The worker announces each call that it begins, and waits for a message of the test; the
/// message is its answer.
#[derive(Clone)]
struct Gate {
    begun: Sender<(u32, Asked)>,
    open: Arc<Mutex<Receiver<Option<u32>>>>,
}

fn gate() -> (Gate, Receiver<(u32, Asked)>, Sender<Option<u32>>) {
    let (begun, announced) = channel();
    let (word, open) = channel();
    (Gate { begun, open: Arc::new(Mutex::new(open)) }, announced, word)
}

/// Answers `ECHO` at once, and `GATE` with the message that the test sends. Panics if the message is `None`.
#[worker(shared = [FACTOR, WRITTEN], answers = [ECHO, GATE])]
fn gated(store: &ReactonStore, gate: Gate) {
    store.answer(&ECHO, |_, n, _| *n);
    store.answer(&GATE, move |_, n, call| {
        gate.begun.send((*n, call.clone())).expect("the channel is open");
        let word = gate.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        word.expect("the channel is open").expect("the answer is not `None`")
    });
}

fn restarting() -> Restart {
    Restart::OnPanic { max: 100, within: SOON, backoff: Duration::ZERO }
}
