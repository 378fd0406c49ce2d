//! Runs a worker from beginning to end on its own thread.

use std::panic::resume_unwind;
use std::time::Duration;

use reacton_core::ReactonStore;
use reacton_core::wiring::Wiring;

use crate::hub::Hub;
use crate::hub::calls::Tasks;
use crate::wire::message::IsolateMessage;
use crate::worker::runtime::{WorkerRuntime, in_function};
use crate::worker::setup::{Entry, WorkerSetup};

/// How a worker acknowledges the handshake.
pub(crate) enum Acknowledge<'a> {
    /// Passes the answer to a `spawn` that waits, without main's inbox, so that main takes no turn meanwhile. The
    /// function returns whether the `spawn` still waits.
    ToSpawn(&'a dyn Fn(IsolateMessage) -> bool),
    /// Sends the answer over the link: main does not wait for it.
    OverTheLink,
}

/// Runs a worker until it ends.
pub(crate) fn run_worker(setup: WorkerSetup, acknowledge: &Acknowledge<'_>, entry: Entry) {
    let _listening = setup.scope.listen();
    let (mut runtime, mismatches) = WorkerRuntime::begin(setup);
    let Some(mismatches) = mismatches else {
        // A panic while main's values were installed. The panic hook has been called already, and the thread that joins
        // this one receives the message.
        resume_unwind(Box::new(runtime.failure_message()));
    };
    let agreed = mismatches.is_empty();
    // Read before the acknowledgement: once a `spawn` has received it, the entry is called whatever main does next.
    let stopped = Wiring::of(runtime.store()).is_stopped();
    let message = IsolateMessage::HandshakeAck { mismatches };
    let accepted = match acknowledge {
        Acknowledge::ToSpawn(answer) => answer(message),
        Acknowledge::OverTheLink => {
            runtime.send(message);
            true
        }
    };
    let goes_on = agreed && accepted && !stopped;
    if goes_on && runtime.run(|store| in_function(store, entry)) && runtime.run(take_turns) {
        runtime.complete();
    }
}

/// Takes turns until nothing is left to do. Never fails.
#[expect(clippy::unnecessary_wraps, reason = "called like a worker's function")]
pub(crate) fn take_turns(store: &ReactonStore) -> Result<(), String> {
    let hub = Hub::of(store);
    let tasks = hub.calls().tasks();
    let _polled = Tasks::poll_outside(&hub, store, None);
    tasks.poll(store);
    // Also stops if no store is left that could end this one.
    while !store.is_disposed() && !Wiring::of(store).is_disconnected() {
        store.wait(Duration::MAX);
        tasks.poll(store);
    }
    Ok(())
}
