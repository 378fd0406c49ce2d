//! The workers of the tests of pools and calls, and their reactons. They communicate with the tests only by reactons,
//! as processes have to.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

/// An order to a member.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chore {
    pub(crate) number: u32,
    /// How the member does it.
    pub(crate) how: String,
}

impl Chore {
    pub(crate) fn new(number: u32, how: &str) -> Self {
        Self { number, how: how.to_owned() }
    }
}

/// How long a slow order takes.
const SLOW: Duration = Duration::from_millis(100);

/// A job.
#[reacton]
pub(crate) static TASK: Chore = Chore::default();

/// Written with each job.
#[reacton]
pub(crate) static PART: u32 = 0;

/// The number of a job, its square and the setting that its member knew.
#[reacton(eq = never)]
pub(crate) static DONE: (u32, u32, u32) = (0, 0, 0);

/// The job that has begun, and the process of its member.
#[reacton(eq = never)]
pub(crate) static BEGUN: (u32, u32) = (0, 0);

/// A setting for all members.
#[reacton]
pub(crate) static SETTING: u32 = 0;

/// For all members: held jobs and calls continue when this is written.
#[reacton(eq = never)]
pub(crate) static GO: u32 = 0;

/// Returns whether the process runs. A process that has ended and was not reaped, because its parent has ended, does
/// not run.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
}

/// Waits until the process is gone. Returns whether it is.
pub(crate) fn is_gone_within(pid: u32, timeout: Duration) -> bool {
    let begin = Instant::now();
    while is_alive(pid) {
        if begin.elapsed() > timeout {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

/// Ends this process or this thread.
fn end(how: &str) {
    match how {
        "panic" => panic!("told to"),
        "panic twice" => {
            struct Again;
            impl Drop for Again {
                fn drop(&mut self) {
                    panic!("and again");
                }
            }
            let _again = Again;
            panic!("first");
        }
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "kill" => {
            let pid = std::process::id().to_string();
            let _ = std::process::Command::new("kill").args(["-KILL", &pid]).status();
            hang();
        }
        "hang" => hang(),
        other => panic!("no such end: {other}"),
    }
}

fn hang() {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

/// Waits until main writes [`GO`], or the worker is to end.
fn hold(store: &ReactonStore) {
    while !store.is_stale(&GO) && !store.is_disposed() {
        thread::yield_now();
    }
}

fn work(store: &ReactonStore, task: &Chore) {
    let Chore { number, how } = task;
    match &**how {
        "" => {}
        "hold" => {
            store.set(&BEGUN, (*number, std::process::id()));
            hold(store);
        }
        "hold and panic" => {
            store.set(&BEGUN, (*number, std::process::id()));
            hold(store);
            end("panic");
        }
        "slow" => {
            store.set(&BEGUN, (*number, std::process::id()));
            thread::sleep(SLOW);
        }
        "slow and panic" => {
            store.set(&BEGUN, (*number, std::process::id()));
            thread::sleep(SLOW);
            end("panic");
        }
        "pid" => store.set(&BEGUN, (*number, std::process::id())),
        how => end(how),
    }
    store.set(&DONE, (*number, number * number, store.get(&SETTING) + store.get(&PART)));
}

/// A member of a pool.
#[worker(shared = [TASK, PART, DONE, BEGUN, SETTING, GO])]
pub(crate) fn hand(store: &ReactonStore) {
    store.subscribe(&TASK, work);
    store.subscribe(&SETTING, |store, setting| {
        assert_ne!(*setting, 13, "an unlucky setting");
        // If the setting is the number of this process, handling it takes a while.
        if *setting == std::process::id() {
            store.set(&BEGUN, (0, *setting));
            hold(store);
        }
    });
}

/// A member whose function keeps running: a job is done when the function asks for the next turn.
#[worker(shared = [TASK, PART, DONE, BEGUN, SETTING, GO])]
pub(crate) fn looping(store: &ReactonStore) {
    store.subscribe(&TASK, work);
    while !store.is_disposed() && store.wait(Duration::MAX) > 0 {}
}

/// An async member.
#[worker(shared = [TASK, PART, DONE, BEGUN, SETTING, GO])]
pub(crate) async fn keen(store: ReactonStore) {
    let mut tasks = Box::pin(store.changes(&TASK));
    while let Some(task) = next(&mut tasks).await {
        work(&store, &task);
    }
}

async fn next<S: futures_core::Stream>(stream: &mut std::pin::Pin<Box<S>>) -> Option<S::Item> {
    std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await
}

/// A value whose serialized form is not what it claims to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Liar(pub(crate) u8);

impl Serialize for Liar {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1 => Err(serde::ser::Error::custom("it does not encode")),
            2 => to.serialize_str("no number"),
            number => to.serialize_u8(number),
        }
    }
}

impl<'de> Deserialize<'de> for Liar {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u8::deserialize(from).map(Self)
    }
}

/// Answered as the order says.
#[call]
pub(crate) static ASK: Call<Chore, u32>;

/// Listed, but no code answers it.
#[call]
pub(crate) static FORGOTTEN: Call<u32, u32>;

/// In no list of answered calls.
#[call]
pub(crate) static UNLISTED: Call<u32, u32>;

/// Answered with the question.
#[call]
pub(crate) static LIE: Call<Liar, Liar>;

/// Has a large answer to a small question, and the other way round.
#[call]
pub(crate) static BYTES: Call<Vec<u8>, Vec<u8>>;

/// Answered with the number of the process.
#[call]
pub(crate) static WHO: Call<(), u32>;

/// How many calls have begun, and whether the last one that was held was cancelled.
#[reacton(eq = never)]
pub(crate) static SEEN_CALLS: (u32, bool) = (0, false);

/// Answers calls.
#[worker(shared = [PART, DONE, BEGUN, SETTING, GO, SEEN_CALLS], answers = [ASK, FORGOTTEN, LIE, BYTES, WHO])]
pub(crate) fn asked(store: &ReactonStore) {
    let mut count = 0;
    store.answer(&ASK, move |store, task: &Chore, call: &Asked| {
        count += 1;
        match &*task.how {
            "" => {}
            "count" => return count,
            "setting" => return store.get(&SETTING),
            "write" => store.set(&PART, task.number),
            "held" => {
                store.set(&BEGUN, (task.number, std::process::id()));
                while !store.is_stale(&GO) && !call.is_cancelled() && !store.is_disposed() {
                    thread::yield_now();
                }
                store.set(&SEEN_CALLS, (count, call.is_cancelled()));
            }
            "first panics" if count > 1 => {}
            "first panics" => end("panic"),
            "held and panic" => {
                store.set(&BEGUN, (task.number, std::process::id()));
                hold(store);
                end("panic");
            }
            how => end(how),
        }
        task.number * 2
    });
    store.answer(&LIE, |_, liar, _| if liar.0 > 9 { Liar(liar.0 - 10) } else { liar.clone() });
    store.answer(&BYTES, |_, bytes, _| bytes.iter().map(|byte| !byte).collect());
    store.answer(&WHO, |_, (), _| std::process::id());
}

/// Answers by futures, which are ready when main writes [`GO`].
#[worker(shared = [GO, BEGUN], answers = [ASK])]
pub(crate) async fn later(store: ReactonStore) {
    store.answer_async(&ASK, |store, task: Chore, _| async move {
        store.set(&BEGUN, (task.number, std::process::id()));
        let mut go = Box::pin(store.changes(&GO));
        match &*task.how {
            "" => {}
            "go" => {
                next(&mut go).await;
            }
            how => end(how),
        }
        task.number * 2
    });
    while store.turn().await > 0 {}
}

/// Catches each of its own panics, and continues.
#[worker(shared = [TASK, PART, DONE, BEGUN, SETTING, GO], answers = [ASK])]
pub(crate) fn gatherer(store: &ReactonStore) {
    store.subscribe(&TASK, work);
    store.answer(&ASK, |_, task: &Chore, _| {
        assert_ne!(task.how, "panic", "caught");
        task.number * 2
    });
    while !store.is_disposed() {
        let turn = std::panic::AssertUnwindSafe(|| store.wait(Duration::MAX));
        drop(std::panic::catch_unwind(turn));
    }
}
