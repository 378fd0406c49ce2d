//! The state of the service: its reactons, the worker that searches, and the thread of the store.

use std::error::Error;
use std::panic::resume_unwind;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

use crate::primes::{Findings, Sieve};

/// How long the worker may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many searches are remembered.
const REMEMBERED: usize = 8;

/// A range of numbers to search, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Search {
    pub(crate) id: u64,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// The progress of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    search: Search,
    examined: u64,
    findings: Findings,
    is_done: bool,
}

/// The current search. Written by the handlers.
#[reacton]
pub(crate) static SEARCH: Option<Search> = None;

/// The worker's last report.
#[reacton]
pub(crate) static PROGRESS: Option<Progress> = None;

/// How many searches there were.
#[reacton]
pub(crate) static SEARCHES: u64 = 0;

/// The last searches that were finished, the newest first.
#[reacton]
static HISTORY: Vec<Progress> = Vec::new();

/// How many browsers receive changes.
#[reacton]
pub(crate) static WATCHING: u32 = 0;

/// Why there will be no more results.
#[reacton]
pub(crate) static FAULT: Option<String> = None;

/// Set when the service is to end.
#[reacton]
pub(crate) static STOPPING: bool = false;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Idle,
    Searching,
    Done,
    Failed,
}

/// Everything that a page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct View {
    phase: Phase,
    search: Option<Search>,
    examined: u64,
    findings: Findings,
    history: Vec<Progress>,
    watching: u32,
    fault: Option<String>,
}

impl View {
    pub(crate) fn is_searching(&self) -> bool {
        self.phase == Phase::Searching
    }
}

#[computed]
pub(crate) static VIEW: View = |cx| {
    let (search, fault) = (cx.get(&SEARCH), cx.get(&FAULT));
    // The last report of the worker may be about the search before.
    let progress = cx.get(&PROGRESS).filter(|progress| Some(progress.search) == search);
    let phase = match (&fault, search, progress) {
        (Some(_), ..) => Phase::Failed,
        (None, None, _) => Phase::Idle,
        (None, Some(_), Some(progress)) if progress.is_done => Phase::Done,
        (None, Some(_), _) => Phase::Searching,
    };
    View {
        phase,
        search,
        examined: progress.map_or(0, |progress| progress.examined),
        findings: progress.map(|progress| progress.findings).unwrap_or_default(),
        history: cx.get(&HISTORY),
        watching: cx.get(&WATCHING),
        fault,
    }
};

/// Searches until there is a newer request.
#[worker(shared = [SEARCH, PROGRESS], delivery = latest)]
fn searcher(store: &ReactonStore) {
    store.watch(&SEARCH, |store, search| {
        let Some(search) = *search else { return store.set(&PROGRESS, None) };
        let mut sieve = Sieve::new(search.from, search.to);
        loop {
            let is_done = !sieve.step();
            let (examined, findings) = (sieve.examined(), sieve.findings());
            store.set(&PROGRESS, Some(Progress { search, examined, findings, is_done }));
            // There is another search, or none: this one is not wanted any more.
            if is_done || store.is_stale(&SEARCH) || store.is_disposed() {
                return;
            }
        }
    });
}

/// The store, on its own thread.
pub(crate) struct Service {
    handle: StoreHandle,
    thread: JoinHandle<Result<(), ShutdownError>>,
}

impl Service {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        Self::start_with(searcher::spawn)
    }

    /// Starts a service whose worker is started by `spawn`.
    pub(crate) fn start_with(
        spawn: fn(&ReactonStore) -> Result<IsolateStore, SpawnError>,
    ) -> Result<Self, Box<dyn Error>> {
        let (give, given) = channel();
        let thread = thread::Builder::new().name("store".into()).spawn(move || {
            let store = ReactonStore::new();
            match spawn(&store) {
                Ok(worker) => live(&store, worker, &give),
                Err(error) => {
                    // The code that has started this thread waits for this message.
                    let _ = give.send(Err(error));
                    Ok(())
                }
            }
        })?;
        let handle = given.recv()??;
        Ok(Self { handle, thread })
    }

    pub(crate) fn handle(&self) -> StoreHandle {
        self.handle.clone()
    }

    /// Ends the worker, the store, and everything that watches the store.
    pub(crate) fn stop(self) -> Result<(), ShutdownError> {
        self.handle.set(&STOPPING, true);
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// The thread of the store: takes turns until the service is to stop.
fn live(
    store: &ReactonStore,
    worker: IsolateStore,
    give: &Sender<Result<StoreHandle, SpawnError>>,
) -> Result<(), ShutdownError> {
    store.subscribe(&PROGRESS, |store, progress| {
        let Some(done) = progress.filter(|progress| progress.is_done) else { return };
        store.update(&HISTORY, |history| {
            history.insert(0, done);
            history.truncate(REMEMBERED);
        });
    });
    let status = *worker.status();
    store.effect(move |cx| {
        if let IsolateStatus::Failed { message, .. } = cx.get(&status) {
            cx.store().set(&FAULT, Some(message));
        }
    });
    let _ = give.send(Ok(store.handle()));
    // Without a timeout. Also returns when no handle is left that could write `STOPPING`.
    let _ = store.run_until(Duration::MAX, |store| store.get(&STOPPING));
    // Stops the worker's search.
    store.set(&SEARCH, None);
    worker.shutdown(PATIENCE)
}
