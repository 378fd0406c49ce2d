//! Answers the calls of a member's queue: at once, or by a future that continues while the member does other jobs.

#[cfg(feature = "process")]
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::ReactonStore;

use super::direct::Survived;
use super::member::{Member, Membership};
use crate::call::asked::Asked;
use crate::error::CallError;
use crate::hub::calls::{Came, Owner, Reply};
use crate::hub::{Hub, Link};
use crate::sync::LinkId;
#[cfg(feature = "process")]
use crate::wire::ticket::WorkKey;
use crate::wire::ticket::{Answered, Outcome, Ticket};

impl Member<'_> {
    /// Answers the call that is the job with this number. The job has begun.
    pub(super) fn answer(&self, number: u64, ticket: &Arc<Ticket>) {
        // The call may have been cancelled in the meantime.
        let Some(question) = ticket.begin() else { return };
        let reply = {
            let (store, link) = (self.store, self.own.link());
            let _fault = Fault::new(store, ticket, link, Came::AsJob);
            let calls = self.hub.calls();
            calls.answer(self.store, ticket.call(), &question, &Asked::new(ticket))
        };
        match reply {
            None => deliver(self.end, ticket, Err(unanswered(ticket))),
            Some(Reply::Ready(outcome)) => deliver(self.end, ticket, outcome),
            Some(Reply::Later(future)) => {
                self.own.queue().detach(self.own.link());
                let owner = Detached { ticket: Arc::clone(ticket), link: self.own.link(), number };
                self.hub.calls().tasks().spawn(self.store, future, Rc::new(owner));
            }
        }
        self.hub.note_worked();
    }
}

/// Returns the error of a call to a worker that does not answer it.
pub(super) fn unanswered(ticket: &Ticket) -> CallError {
    CallError::NotAnswered { worker: ticket.worker().to_owned(), call: ticket.call().name }
}

/// While it exists, the answer of a call runs; the drop records on the call that its answer panicked.
pub(super) struct Fault<'t> {
    store: &'t ReactonStore,
    ticket: &'t Arc<Ticket>,
    link: LinkId,
    came: Came,
    _answering: Answering,
}

impl<'t> Fault<'t> {
    pub(super) fn new(
        store: &'t ReactonStore,
        ticket: &'t Arc<Ticket>,
        link: LinkId,
        came: Came,
    ) -> Self {
        Self { store, ticket, link, came, _answering: Answering::new(ticket) }
    }
}

/// While it exists, this thread answers a call. If a panic ends the process, main is told which call it was.
pub(super) struct Answering {
    /// The call that this thread answered before.
    #[cfg(feature = "process")]
    before: Option<WorkKey>,
}

impl Answering {
    #[cfg_attr(not(feature = "process"), expect(unused_variables, reason = "no process can end"))]
    pub(super) fn new(ticket: &Ticket) -> Self {
        Self {
            #[cfg(feature = "process")]
            before: ANSWERING.replace(ticket.key()),
        }
    }
}

#[cfg(feature = "process")]
impl Drop for Answering {
    fn drop(&mut self) {
        ANSWERING.set(self.before);
    }
}

#[cfg(feature = "process")]
thread_local! {
    /// The call of another process that this thread answers now.
    static ANSWERING: Cell<Option<WorkKey>> = const { Cell::new(None) };
}

/// Returns the call of another process that this thread answers now.
#[cfg(feature = "process")]
pub(crate) fn answering() -> Option<WorkKey> {
    ANSWERING.try_with(Cell::get).ok().flatten()
}

impl Drop for Fault<'_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(hub) = Hub::find(self.store)
        {
            let end = hub.link(self.link);
            match end.as_ref().and_then(|end| Membership::of(end)) {
                Some(own) => own.queue().note_fault(self.ticket),
                None => self.ticket.note_fault(),
            }
            hub.calls().note_fault(Arc::clone(self.ticket), self.link, self.came);
            Survived::post(self.store);
        }
    }
}

/// Delivers the answer by the way on which the call came.
pub(super) fn deliver(end: &Link, ticket: &Arc<Ticket>, outcome: Outcome) {
    if ticket.is_by_link() {
        end.send_answer(Answered::new(Arc::clone(ticket), outcome));
    } else {
        end.outbox().send_direct_answer(ticket, outcome);
    }
}

/// An async answer that continues while its member does other jobs.
struct Detached {
    ticket: Arc<Ticket>,
    link: LinkId,
    number: u64,
}

impl Owner for Detached {
    fn polled(&self, poll: &mut dyn FnMut()) {
        let _answering = Answering::new(&self.ticket);
        poll();
    }

    fn done(&self, store: &ReactonStore, outcome: Outcome) {
        let link = Hub::find(store).and_then(|hub| hub.link(self.link));
        let Some(end) = link else { return };
        deliver(&end, &self.ticket, outcome);
        if let Some(own) = Membership::of(&end) {
            own.queue().finish_detached(self.link, self.number);
        }
    }

    fn panicked(&self, store: &ReactonStore) {
        drop(Fault::new(store, &self.ticket, self.link, Came::Detached(self.number)));
    }
}

/// Called when a panic has ended the worker's function: ends the calls that the worker was answering, if their outcome
/// does not depend on main.
pub(crate) fn fail_calls(hub: &Hub, message: &str, location: Option<&str>) {
    let Some(link) = hub.parent() else { return };
    let Some(end) = hub.link(link) else { return };
    if let Some(own) = Membership::of(&end) {
        own.queue().fail(link, message, location);
    }
}
