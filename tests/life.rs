//! The life of an isolate, L1 to L7, on real threads. Each name begins with the promise it tests.
//!
//! Nothing sleeps: threads meet at turns and at channels. That a worker has ended is seen by a channel whose sender
//! it owned.

#[path = "life/aborts.rs"]
mod aborts;
#[path = "life/asking.rs"]
mod asking;
#[path = "life/async_workers.rs"]
mod async_workers;
#[path = "life/awaiting.rs"]
mod awaiting;
#[path = "support/child.rs"]
mod child;
#[path = "life/disposal.rs"]
mod disposal;
#[path = "life/doors.rs"]
mod doors;
#[path = "life/draining.rs"]
mod draining;
#[path = "life/failures.rs"]
mod failures;
#[path = "life/handles.rs"]
mod handles;
#[path = "life/incoming.rs"]
mod incoming;
#[path = "life/leaving.rs"]
mod leaving;
#[path = "life/progress.rs"]
mod progress;
#[path = "life/query.rs"]
mod query;
#[path = "life/restarts.rs"]
mod restarts;
#[path = "life/shutdown.rs"]
mod shutdown;
#[path = "life/slow_threads.rs"]
mod slow_threads;
#[path = "life/spawning.rs"]
mod spawning;
#[path = "life/staleness.rs"]
mod staleness;
#[path = "life/status.rs"]
mod status;
#[path = "life/store_threads.rs"]
mod store_threads;
#[path = "life/waits.rs"]
mod waits;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use reacton::prelude::*;

/// Long enough for any machine; nothing waits this long unless it is broken.
const SOON: Duration = Duration::from_secs(30);

#[reacton]
static INPUT: u32 = 0;

#[reacton]
static OUTPUT: u32 = 0;

/// What comes next over a channel.
#[track_caller]
fn hear<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(SOON).expect("the worker tells")
}

/// Waits until whoever could tell something more is gone.
#[track_caller]
fn hear_end<T: std::fmt::Debug>(told: &Receiver<T>) {
    match told.recv_timeout(SOON) {
        Err(RecvTimeoutError::Disconnected) => {}
        other => panic!("expected the end, got {other:?}"),
    }
}

/// Takes turns until `done` holds.
#[track_caller]
fn until(store: &ReactonStore, done: impl FnMut(&ReactonStore) -> bool) {
    store.run_until(SOON, done).expect("it comes to hold");
}

/// A worker that copies INPUT to OUTPUT, and the channel that ends with it.
fn copier(store: &ReactonStore) -> (IsolateStore, Receiver<()>) {
    let (alive, ended) = channel();
    let worker = IsolateStore::spawn(store, shared![INPUT, OUTPUT], move |store| {
        store.subscribe(&INPUT, move |store, input| {
            let _alive: &Sender<()> = &alive;
            store.set(&OUTPUT, *input);
        });
    });
    (worker.expect("it starts"), ended)
}

/// A worker that waits in the middle of its callback, before it copies INPUT to OUTPUT.
struct Stuck {
    worker: IsolateStore,
    begun: Receiver<()>,
    go: Sender<()>,
}

impl Stuck {
    fn spawn(store: &ReactonStore, builder: IsolateBuilder) -> Self {
        let (arrive, begun) = channel();
        let (go, gone) = channel();
        let worker = builder.shared(shared![INPUT, OUTPUT]).spawn(store, move |store| {
            store.subscribe(&INPUT, move |store, input| {
                arrive.send(()).expect("main listens");
                gone.recv().expect("main says when");
                store.set(&OUTPUT, *input);
            });
        });
        Self { worker: worker.expect("it starts"), begun, go }
    }

    /// Lets it run into its callback.
    fn begin(store: &ReactonStore) -> Self {
        let stuck = Self::spawn(store, IsolateStore::builder());
        store.set(&INPUT, 1);
        hear(&stuck.begun);
        stuck
    }
}

/// How many threads of this process have this name; the system keeps 15 bytes of it. One may be passed over while
/// others end, and one that was joined may still be listed for a moment.
#[cfg(target_os = "linux")]
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|comm| comm.trim_end() == name)
        .count()
}

/// Waits, bounded, until there are no more than so many.
#[cfg(target_os = "linux")]
#[track_caller]
fn until_threads(name: &str, count: usize) {
    let deadline = std::time::Instant::now() + SOON;
    while threads(name) > count {
        assert!(std::time::Instant::now() < deadline, "{} threads are left", threads(name));
        std::thread::yield_now();
    }
}
