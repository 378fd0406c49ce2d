//! Jobs and calls over a road: frames that are never merged, and the calls at the worker at the other end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Sender, Sent, Urgency};
use crate::error::CallError;
use crate::wire::frame::Batch;
use crate::wire::frame::work::{FarError, NO_BYTES, Report, far_outcome};
use crate::wire::ticket::{Outcome, Ticket, WorkKey};
use crate::wire::value::{Payload, within};

/// How long a worker that begins a job waits until the report of it was sent.
const BEGUN_WITHIN: Duration = Duration::from_secs(3600);

/// On the side that asks: the calls at the worker at the other end.
#[derive(Default)]
pub(crate) struct FarCalls(Mutex<BTreeMap<WorkKey, FarCall>>);

/// A call at the worker.
pub(crate) struct FarCall {
    pub(crate) ticket: Arc<Ticket>,
    /// The worker has begun to answer it.
    pub(crate) begun: bool,
}

impl FarCalls {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkKey, FarCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, key: WorkKey, ticket: Arc<Ticket>) {
        self.lock().insert(key, FarCall { ticket, begun: false });
    }

    /// Records that the worker begins to answer. Returns whether the call exists and had not begun.
    pub(crate) fn begin(&self, key: WorkKey) -> bool {
        let mut calls = self.lock();
        let Some(call) = calls.get_mut(&key).filter(|call| !call.begun) else { return false };
        call.begun = true;
        let ticket = Arc::clone(&call.ticket);
        drop(calls);
        // If the call has ended meanwhile, its answer is ignored.
        let _ = ticket.begin();
        true
    }

    /// Records that the worker panics in the answer. Returns whether the call exists and has begun.
    pub(crate) fn note_fault(&self, key: WorkKey) -> bool {
        let calls = self.lock();
        let call = calls.get(&key).filter(|call| call.begun);
        call.inspect(|call| call.ticket.note_fault()).is_some()
    }

    /// Whether the worker has begun to answer it.
    pub(crate) fn is_begun(&self, key: WorkKey) -> bool {
        self.lock().get(&key).is_some_and(|call| call.begun)
    }

    /// Records the answer; a call that has not begun can only fail. Returns the call, if it had no answer before.
    pub(crate) fn answer(&self, key: WorkKey, failed: bool) -> Option<Arc<Ticket>> {
        let mut calls = self.lock();
        let call = calls.get(&key).filter(|call| call.begun || failed);
        let ticket = Arc::clone(&call?.ticket);
        calls.remove(&key);
        Some(ticket)
    }

    /// Removes a call that the worker has finished. Returns it, if it had no answer.
    pub(crate) fn remove(&self, key: WorkKey) -> Option<FarCall> {
        self.lock().remove(&key)
    }

    fn contains(&self, key: WorkKey) -> bool {
        self.lock().contains_key(&key)
    }
}

impl Sender {
    /// The calls at the worker at the other end.
    pub(crate) fn calls(&self) -> &FarCalls {
        &self.calls
    }

    /// Sends a frame that is never merged, behind everything sent before. It is a message of the link if it `counts`.
    fn send_apart(&self, urgency: Urgency, counts: bool, encode: impl FnOnce(&mut Batch)) {
        self.put(urgency, |state| {
            state.encode_pending();
            encode(&mut state.batch);
            if counts {
                state.counter.count_sent();
            }
            Sent::Queued
        });
    }

    /// Sends frames of jobs, which are no messages of the link.
    pub(crate) fn send_work(&self, encode: impl FnOnce(&mut Batch)) {
        self.send_apart(Urgency::Now, false, encode);
    }

    /// Reports that the worker begins, and waits until the report was sent: so the other side knows of it, whatever the
    /// program does next. Returns `false` if the road has ended: then the worker must not begin.
    pub(crate) fn begin(&self, key: WorkKey) -> bool {
        self.send_work(|batch| batch.report(&Report::Begun(key)));
        self.flush(BEGUN_WITHIN);
        !self.state().ended
    }

    /// Sends a call to the worker at the other end. Returns `false` if the call has ended, or its question cannot
    /// cross.
    pub(crate) fn send_call(self: &Arc<Self>, key: WorkKey, ticket: &Arc<Ticket>) -> bool {
        let Some(question) = ticket.question() else { return false };
        let Payload::Bytes(question) = question else {
            let (call, reason) = (ticket.call().name, String::from(NO_BYTES));
            ticket.complete(Err(CallError::Encode { call, reason }));
            return false;
        };
        if let Err(reason) = self.admit(ticket.call().id, question.len()) {
            ticket.complete(Err(CallError::Encode { call: ticket.call().name, reason }));
            return false;
        }
        self.calls.insert(key, Arc::clone(ticket));
        let urgency = if key.queued { Urgency::Now } else { Urgency::Soon };
        self.send_apart(urgency, !key.queued, |batch| {
            batch.call(key, ticket.is_by_link(), ticket.call(), &question);
        });
        let sender = Arc::downgrade(self);
        ticket.on_cancel(move || {
            if let Some(sender) = sender.upgrade().filter(|sender| sender.calls.contains(key)) {
                sender.send_work(|batch| batch.cancel(key));
            }
        });
        true
    }

    /// Sends an answer to the side that asked. It is a message of the link if it `counts`.
    pub(crate) fn send_answer(&self, key: WorkKey, outcome: &Outcome, counts: bool) {
        let outcome = far_outcome(outcome).and_then(|value| {
            within(value.len(), self.max_value()).map_err(FarError::Encode)?;
            Ok(value)
        });
        self.send_apart(Urgency::Soon, counts, |batch| batch.report(&Report::Answer(key, outcome)));
    }
}
