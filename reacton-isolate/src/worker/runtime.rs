//! The steps of a worker, from the values of the handshake to its last message. A thread takes all of them in a row
//! ([`run_worker`](crate::worker::run::run_worker)), a simulation takes them one by one.

use std::rc::Rc;
use std::time::Instant;

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, ReactonStore};

use crate::error::Mismatch;
use crate::hub::{Hub, Link, PoolMember};
use crate::interrupt::interrupt;
use crate::link::Outbox;
use crate::pool::{Membership, fail_calls};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::worker::panics::{self, Caught};
use crate::worker::pending;
use crate::worker::setup::{Entry, WorkerSetup};

/// Sends `Closed` when it is dropped, also on a panic (rule 15).
struct CloseGuard {
    outbox: Rc<Outbox>,
    reason: CloseReason,
}

impl Drop for CloseGuard {
    fn drop(&mut self) {
        let reason = std::mem::replace(&mut self.reason, CloseReason::Disposed);
        interrupt();
        self.outbox.send(IsolateMessage::Closed { reason });
    }
}

/// A worker's store, and the message that ends its link.
pub(crate) struct WorkerRuntime {
    store: ReactonStore,
    /// Entered while code of the program runs, so that its events belong to the worker.
    span: tracing::Span,
    /// When the worker started.
    started: Instant,
    /// Dropped after the store.
    close_guard: CloseGuard,
}

impl WorkerRuntime {
    /// Installs main's values. Returns the runtime and the differences between the two sides. If there are any, the
    /// worker is to end. `None` if a shared value has panicked; then the worker is to end, too.
    pub(crate) fn begin(setup: WorkerSetup) -> (Self, Option<Vec<Mismatch>>) {
        let WorkerSetup { name, link, inbox, main, delivery, shared, init, .. } = setup;
        let WorkerSetup { types_differ, incoming, outgoing, queue, scope, peers, .. } = setup;
        let store = inbox.into_store();
        Wiring::of(&store).set_peers(peers);
        let started = Wiring::of(&store).now();
        let outbox = Rc::new(Outbox::new(link, main, delivery, outgoing));
        let close_guard = CloseGuard { outbox: Rc::clone(&outbox), reason: CloseReason::Disposed };
        let mut runtime = Self {
            store,
            span: tracing::info_span!(parent: scope.span(), "worker", name),
            started,
            close_guard,
        };
        let mut mismatches = Vec::new();
        let goes_on = runtime.run(|store| {
            let member =
                queue.map(|queue| Rc::new(Membership::new(queue, link)) as Rc<dyn PoolMember>);
            let end = Link::of_worker(name, outbox, incoming, &shared).with_member(member);
            let hub = Hub::of(store);
            mismatches = hub.join(store, link, end, init, types_differ);
            if types_differ && mismatches.is_empty() {
                mismatches = hub.show_first_values(store, link);
            }
            Ok(())
        });
        (runtime, goes_on.then_some(mismatches))
    }

    pub(crate) fn store(&self) -> &ReactonStore {
        &self.store
    }

    /// Sends a message to main.
    pub(crate) fn send(&self, message: IsolateMessage) {
        self.close_guard.outbox.send(message);
    }

    /// Returns why the worker failed; empty if it did not.
    pub(crate) fn failure_message(&self) -> String {
        let failure = self.close_guard.reason.failure();
        failure.map_or_else(String::new, |(message, _)| message.to_owned())
    }

    /// Runs code of the worker. Returns whether the worker goes on. A panic or an error becomes the reason of its end.
    pub(crate) fn run(&mut self, f: impl FnOnce(&ReactonStore) -> Result<(), String>) -> bool {
        self.close_guard.reason = match run_guarded(&self.store, &self.span, f) {
            Ok(Ok(())) => return true,
            Ok(Err(message)) => CloseReason::Failed { message },
            Err(Caught { message, location }) => {
                let now = Wiring::of(&self.store).now();
                let after = now.saturating_duration_since(self.started);
                let hub = Hub::find(&self.store);
                let worked = hub.as_ref().is_some_and(|hub| hub.has_worked());
                if let Some(hub) = hub {
                    fail_calls(&hub, &message, location.as_deref());
                }
                CloseReason::Panicked { message, location, after, worked }
            }
        };
        false
    }

    /// Records that the worker has done all its work.
    pub(crate) fn complete(&mut self) {
        self.close_guard.reason = if Wiring::of(&self.store).is_stopped() {
            CloseReason::Disposed
        } else {
            CloseReason::Drained
        };
    }
}

/// Runs code of the program on the thread of `store`, within `span`. Returns its result or its panic. A drain of the
/// store waits for the tasks that the code starts.
pub(crate) fn run_guarded<U>(
    store: &ReactonStore,
    span: &tracing::Span,
    f: impl FnOnce(&ReactonStore) -> U,
) -> Result<U, Caught> {
    let _span = span.enter();
    let mailbox = Wiring::of(store).inbox().weak_mailbox();
    pending::on_behalf_of(Some(mailbox), || panics::caught(|| f(store)))
}

/// Runs the worker's function, and returns its result. A function may continue to work on a transaction after the turn
/// that applied it. So a transaction counts as done only when the function asks for the next one.
pub(crate) fn in_function(store: &ReactonStore, entry: Entry) -> Result<(), String> {
    struct Returned<'h>(&'h Hub);
    impl Drop for Returned<'_> {
        fn drop(&mut self) {
            self.0.set_in_function(false);
        }
    }
    let hub = Hub::of(store);
    hub.set_in_function(true);
    let _returned = Returned(&hub);
    entry(store)
}

impl Drop for WorkerRuntime {
    fn drop(&mut self) {
        // Dropping user values of the store may panic. The first reason stays.
        let mut first = FirstPanic::default();
        first.guard(|| self.store.dispose());
        first.forget();
    }
}
