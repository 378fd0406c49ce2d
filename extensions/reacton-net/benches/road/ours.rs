//! A worker on a host: the same questions, as writes of shared reactons.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use reacton::prelude::*;
use reacton_net::{Host, KeyFile, Session};

use super::{BURST, HOST, HostProcess, Outcome, TIMEOUT};

#[reacton]
static QUESTION: Vec<u8> = Vec::new();

#[reacton]
static ANSWER: Vec<u8> = Vec::new();

#[reacton]
static NUMBER: u64 = 0;

#[reacton]
static LAST: u64 = 0;

/// Answers each short question with the question, and each long one with its first bytes.
#[worker(shared = [QUESTION, ANSWER, NUMBER, LAST])]
fn echo(store: &ReactonStore) {
    store.subscribe(&QUESTION, |store, question| {
        let answer = if question.len() > 1000 { question[..8].to_vec() } else { question.clone() };
        store.set(&ANSWER, answer);
    });
    store.subscribe(&NUMBER, |store, number| {
        if number.is_multiple_of(BURST) {
            store.set(&LAST, *number);
        }
    });
}

/// Takes in the first question, and nothing after it.
#[worker(shared = [QUESTION])]
fn never(store: &ReactonStore) {
    store.subscribe(&QUESTION, |store, _| {
        while !store.is_disposed() {
            thread::sleep(Duration::from_millis(10));
        }
    });
}

/// The file of a key that no other run has.
fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("reacton-bench-{}-{name}.key", std::process::id()))
}

/// The body of the host's process.
pub(super) fn host(client: &str) -> Outcome {
    let file = file("host");
    let builder = Host::builder().key(KeyFile::at(&file)).listen("127.0.0.1:0").allow([client]);
    let host = builder.offer("bench", workers![echo, never]).capacity(1000).open()?;
    fs::remove_file(file)?;
    println!("{}", host.ticket());
    host.run(&ReactonStore::new());
    Ok(())
}

/// The client's side.
pub(super) struct Ours {
    key: PathBuf,
    host: HostProcess,
}

impl Ours {
    pub(super) fn start() -> Outcome<Self> {
        let key = file("client");
        let host = HostProcess::start(&[HOST, &KeyFile::at(&key).public_key()?])?;
        Ok(Self { key, host })
    }

    pub(super) fn process(&self) -> u32 {
        self.host.child.id()
    }

    pub(super) fn session(&self) -> Outcome<OpenSession> {
        let session =
            Session::builder().key(KeyFile::at(&self.key)).host(&self.host.ticket).open()?;
        Ok(OpenSession { session, store: ReactonStore::new() })
    }

    /// Connects, and spawns a worker.
    pub(super) fn open_session(&self) -> Outcome {
        self.session()?.spawn()
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.key);
    }
}

pub(super) struct OpenSession {
    session: Session,
    store: ReactonStore,
}

impl OpenSession {
    pub(super) fn spawn(&mut self) -> Outcome {
        let worker = echo::builder().at(&self.session, "bench").spawn(&self.store)?;
        worker.dispose();
        Ok(())
    }

    pub(super) fn worker(&self) -> Outcome<Asked> {
        let store = ReactonStore::new();
        let worker = echo::builder().at(&self.session, "bench").spawn(&store)?;
        Ok(Asked { store, worker, number: 0 })
    }

    /// Writes so many values of a megabyte for a worker that takes in only the first one. Returns how many wait.
    pub(super) fn fill(&self, delivery: Delivery, values: u8) -> Outcome<(Filled, u64)> {
        let store = ReactonStore::new();
        let builder = never::builder().delivery(delivery).at(&self.session, "bench");
        let worker = builder.spawn(&store)?;
        for number in 1..=values {
            store.set(&QUESTION, vec![number; 1 << 20]);
            // The values come one after the other, as those of a camera do.
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_secs(1));
        let queued = worker.stats().queued;
        Ok((Filled { _store: store, _worker: worker }, queued))
    }
}

/// A worker for which much waits. It ends when this is dropped.
pub(super) struct Filled {
    _worker: IsolateStore,
    _store: ReactonStore,
}

pub(super) struct Asked {
    worker: IsolateStore,
    store: ReactonStore,
    number: u64,
}

impl Asked {
    /// Writes a question of this length, and waits for the answer.
    pub(super) fn ask(&mut self, len: usize) -> Outcome {
        self.number += 1;
        let mark = (len as u64 * 1_000_000 + self.number).to_le_bytes();
        let mut question = vec![5; len];
        question[..8].copy_from_slice(&mark);
        self.store.set(&QUESTION, question);
        let is_answered = |store: &ReactonStore| store.with(&ANSWER, |it| it.starts_with(&mark));
        self.store.run_until(TIMEOUT, is_answered)?;
        Ok(())
    }

    /// Writes many numbers, and waits for the answer to the last one.
    pub(super) fn burst(&mut self) -> Outcome {
        let begin = self.store.get(&LAST);
        (1..=BURST).for_each(|number| self.store.set(&NUMBER, begin + number));
        self.store.run_until(TIMEOUT, |store| store.get(&LAST) == begin + BURST)?;
        Ok(())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.worker.dispose();
    }
}
