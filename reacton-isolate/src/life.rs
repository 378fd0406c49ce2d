//! The life of a worker, from what it takes over to its last word. A thread lives it at a stretch
//! ([`live`](crate::worker::live)), a simulation step by step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton_core::wiring::Wiring;
use reacton_core::{Inbox, Mailbox, ReactonStore};

use crate::error::Mismatch;
use crate::hub::{Hub, Link};
use crate::link::{Delivery, Outbox};
use crate::message::{CloseReason, IsolateMessage};
use crate::shared::SharedSet;
use crate::supervise;
use crate::sync::LinkId;

/// All that a worker is born with.
pub(crate) struct Birth {
    pub(crate) link: LinkId,
    pub(crate) inbox: Inbox,
    /// Of the store that spawns.
    pub(crate) main: Mailbox,
    pub(crate) delivery: Delivery,
    pub(crate) shared: SharedSet,
    pub(crate) init: IsolateMessage,
}

/// Says the last word of a link, whatever happens before (rule 15).
struct Farewell {
    outbox: Rc<Outbox>,
    reason: CloseReason,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let reason = std::mem::replace(&mut self.reason, CloseReason::Disposed);
        self.outbox.send(IsolateMessage::Closed { reason });
    }
}

/// A worker's store, and what is said when it is over.
pub(crate) struct Life {
    store: ReactonStore,
    /// Dropped after the store.
    farewell: Farewell,
}

impl Life {
    /// Begins, and takes over what main holds. Gives what the two sides do not agree on; then it is to end.
    pub(crate) fn begin(birth: Birth) -> (Self, Vec<Mismatch>) {
        let outbox = Rc::new(Outbox::new(birth.link, birth.main, birth.delivery));
        let farewell = Farewell { outbox: Rc::clone(&outbox), reason: CloseReason::Disposed };
        let mut life = Self { store: birth.inbox.into_store(), farewell };
        let mut mismatches = Vec::new();
        life.run(|store| {
            let link = Link::new(outbox, &birth.shared, None);
            mismatches = Hub::of(store).join(store, birth.link, link, birth.init);
            Ok(())
        });
        (life, mismatches)
    }

    pub(crate) fn store(&self) -> &ReactonStore {
        &self.store
    }

    /// Runs something of the worker's. Gives whether it goes on: a panic or an error is the reason of its end.
    pub(crate) fn run(&mut self, f: impl FnOnce(&ReactonStore) -> Result<(), String>) -> bool {
        let result = supervise::noting(|| catch_unwind(AssertUnwindSafe(|| f(&self.store))));
        self.farewell.reason = match result {
            Ok(Ok(())) => return true,
            Ok(Err(message)) => CloseReason::Failed { message, location: None },
            Err(payload) => supervise::failure(&*payload),
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

impl Drop for Life {
    fn drop(&mut self) {
        // What its observers hold may panic when it is dropped; the first reason stands.
        let _ = catch_unwind(AssertUnwindSafe(|| self.store.dispose()));
    }
}
