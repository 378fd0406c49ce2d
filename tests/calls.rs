//! Calls: a question goes to a worker, and exactly one outcome comes back.
//!
//! Nothing sleeps: threads meet at barriers, channels and turns.

#[path = "calls/answers.rs"]
mod answers;

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

/// Is in no list of answers.
#[call]
static UNLISTED: Call<u32, u32>;

/// Is listed, but nothing answers it.
#[call]
static FORGOTTEN: Call<u32, u32>;

/// Factor of the answers.
#[reacton]
static FACTOR: u32 = 1;

/// What a worker wrote before it answered.
#[reacton]
static WRITTEN: u32 = 0;

#[worker(shared = [FACTOR, WRITTEN], answers = [PICTURE, FORGOTTEN])]
fn pictures(store: &ReactonStore) {
    store.answer(&PICTURE, |store, job: &Job, call: &Asked| {
        assert!(!call.is_cancelled());
        if job.rows == 13 {
            panic!("an unlucky job");
        }
        store.set(&WRITTEN, job.rows);
        let rows = job.rows * store.get(&FACTOR);
        if rows == 0 { Err(String::from("no rows")) } else { Ok(format!("{} {rows}", job.name)) }
    });
}
