//! The life of an isolate, L1 to L7, on real threads. Each name begins with the promise it tests.
//!
//! Nothing sleeps: threads meet at turns and at channels. A worker owns the sender of a channel, so the closed channel
//! shows that it has ended.

#[path = "life/aborts.rs"]
mod aborts;
#[path = "life/asking.rs"]
mod asking;
#[path = "life/async_workers.rs"]
mod async_workers;
#[path = "life/awaiting.rs"]
mod awaiting;
#[path = "life/blocked_decode.rs"]
mod blocked_decode;
#[path = "life/disposal.rs"]
mod disposal;
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
#[path = "life/restart_ends.rs"]
mod restart_ends;
#[path = "life/restart_values.rs"]
mod restart_values;
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

use std::sync::mpsc::{Receiver, Sender, channel};

use reacton::prelude::*;
use reacton_support::receive;

#[reacton]
static INPUT: u32 = 0;

#[reacton]
static OUTPUT: u32 = 0;

/// A worker that copies INPUT to OUTPUT, and a channel that closes when the worker ends.
fn copier(store: &ReactonStore) -> (IsolateStore, Receiver<()>) {
    let (alive, ended) = channel();
    let worker = IsolateStore::spawn(store, shared![INPUT, OUTPUT], move |store| {
        store.subscribe(&INPUT, move |store, input| {
            let _alive: &Sender<()> = &alive;
            store.set(&OUTPUT, *input);
        });
    });
    (worker.expect("the worker starts"), ended)
}

/// A worker that waits inside of its callback before it copies INPUT to OUTPUT.
struct Stuck {
    worker: IsolateStore,
    begun: Receiver<()>,
    go: Sender<()>,
}

impl Stuck {
    fn spawn(store: &ReactonStore, builder: IsolateBuilder) -> Self {
        let (arrive, begun) = channel();
        let (go, signal) = channel();
        let worker = builder.shared(shared![INPUT, OUTPUT]).spawn(store, move |store| {
            store.subscribe(&INPUT, move |store, input| {
                arrive.send(()).expect("the channel is open");
                signal.recv().expect("a message arrives");
                store.set(&OUTPUT, *input);
            });
        });
        Self { worker: worker.expect("the worker starts"), begun, go }
    }

    /// Starts the worker, and waits until its callback has begun.
    fn begin(store: &ReactonStore) -> Self {
        let stuck = Self::spawn(store, IsolateStore::builder());
        store.set(&INPUT, 1);
        receive(&stuck.begun);
        stuck
    }
}
