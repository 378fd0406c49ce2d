//! The life of a worker, from what it takes over to its last word. A thread lives it at a stretch
//! ([`live`](crate::api::worker::live)), a simulation step by step.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, Inbox, Mailbox, ReactonStore};

use crate::api::worker::Entry;
use crate::error::Mismatch;
use crate::hub::{Hub, Link, PoolMember};
use crate::link::{Delivery, Outbox, ReceiveCounter, SendCounter};
use crate::pool::{Jobs, Membership};
use crate::shared::SharedSet;
use crate::sync::LinkId;
use crate::testing::{World, interrupt};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::worker::panics::{self, Caught};
use crate::worker::pending;
use crate::worker::scope::Scope;

/// All that a worker is born with.
pub(crate) struct Birth {
    pub(crate) name: String,
    pub(crate) link: LinkId,
    pub(crate) inbox: Inbox,
    /// Of the store that spawns.
    pub(crate) main: Mailbox,
    pub(crate) delivery: Delivery,
    pub(crate) shared: SharedSet,
    pub(crate) init: IsolateMessage,
    /// What is counted of the way here, and of the way back.
    pub(crate) incoming: ReceiveCounter,
    pub(crate) outgoing: SendCounter,
    /// Of the pool that it is a member of.
    pub(crate) jobs: Option<Arc<Jobs>>,
    /// Where it was spawned.
    pub(crate) scope: Scope,
}

/// Says the last word of a link, whatever happens before (rule 15).
struct Farewell {
    outbox: Rc<Outbox>,
    reason: CloseReason,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let reason = std::mem::replace(&mut self.reason, CloseReason::Disposed);
        interrupt();
        self.outbox.send(IsolateMessage::Closed { reason });
    }
}

/// A worker's store, and what is said when it is over.
pub(crate) struct Life {
    store: ReactonStore,
    /// Around all that it does: what a program reports from there is told by this to be the worker's.
    span: tracing::Span,
    /// Since when it lives; nothing in a simulation, which knows no time.
    since: Option<Instant>,
    /// Dropped after the store.
    farewell: Farewell,
}

impl Life {
    /// Begins, and takes over what main holds. Gives what the two sides do not agree on; then it is to end. So it is
    /// if there is nothing: a shared value has panicked.
    pub(crate) fn begin(birth: Birth) -> (Self, Option<Vec<Mismatch>>) {
        let Birth { name, link, inbox, main, delivery, shared, init, .. } = birth;
        let Birth { incoming, outgoing, jobs, scope, .. } = birth;
        let outbox = Rc::new(Outbox::new(link, main, delivery, outgoing));
        let farewell = Farewell { outbox: Rc::clone(&outbox), reason: CloseReason::Disposed };
        let mut life = Self {
            store: inbox.into_store(),
            span: tracing::info_span!(parent: scope.span(), "worker", name),
            since: World::current().is_none().then(Instant::now),
            farewell,
        };
        let mut mismatches = Vec::new();
        let alive = life.run(|store| {
            let member =
                jobs.map(|jobs| Rc::new(Membership::new(jobs, link)) as Rc<dyn PoolMember>);
            let end = Link::of_worker(name, outbox, incoming, &shared).with_member(member);
            mismatches = Hub::of(store).join(store, link, end, init);
            Ok(())
        });
        (life, alive.then_some(mismatches))
    }

    pub(crate) fn store(&self) -> &ReactonStore {
        &self.store
    }

    /// Sends something to main.
    pub(crate) fn say(&self, message: IsolateMessage) {
        self.farewell.outbox.send(message);
    }

    /// What it has said last if it failed.
    pub(crate) fn last_words(&self) -> String {
        match &self.farewell.reason {
            CloseReason::Failed { message } | CloseReason::Panicked { message, .. } => {
                message.clone()
            }
            CloseReason::Drained | CloseReason::Disposed => String::new(),
        }
    }

    /// Runs something of the worker's. Gives whether it goes on: a panic or an error is the reason of its end.
    pub(crate) fn run(&mut self, f: impl FnOnce(&ReactonStore) -> Result<(), String>) -> bool {
        self.farewell.reason = match run_guarded(&self.store, &self.span, f) {
            Ok(Ok(())) => return true,
            Ok(Err(message)) => CloseReason::Failed { message },
            Err(Caught { message, location }) => {
                let after = self.since.map_or(Duration::ZERO, |since| since.elapsed());
                let worked = Hub::find(&self.store).is_some_and(|hub| hub.has_worked());
                CloseReason::Panicked { message, location, after, worked }
            }
        };
        false
    }

    /// It has done all that it had to.
    pub(crate) fn complete(&mut self) {
        self.farewell.reason = if Wiring::of(&self.store).is_stopped() {
            CloseReason::Disposed
        } else {
            CloseReason::Drained
        };
    }
}

/// Runs code of the program on the thread of `store`, within `span`. A drain of the store waits for the one-off work that
/// the code starts.
pub(crate) fn run_guarded<U>(
    store: &ReactonStore,
    span: &tracing::Span,
    f: impl FnOnce(&ReactonStore) -> U,
) -> Result<U, Caught> {
    let _span = span.enter();
    let mailbox = Wiring::of(store).inbox().weak_mailbox();
    pending::on_behalf_of(Some(mailbox), || panics::caught(|| f(store)))
}

/// Runs the worker's function. While it runs, what it does about a transaction may go on after the turn, so that the
/// transaction counts as done when it asks for the next.
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

impl Drop for Life {
    fn drop(&mut self) {
        // What its observers hold may panic when it is dropped; the first reason stands.
        let mut first = FirstPanic::default();
        first.guard(|| self.store.dispose());
        first.forget();
    }
}
