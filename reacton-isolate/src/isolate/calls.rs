//! Determines what happens to the calls of a worker that has ended.

use std::cmp::Reverse;
use std::sync::Arc;

use super::supervise::{Event, Isolate, Log};
use crate::hub::{Hub, Owner};
use crate::pool::{AssignedJob, Ended, Recovered, send_call};
use crate::wire::message::CloseReason;
use crate::wire::ticket::Ticket;

/// The calls that a worker was answering when it ended, the last one first, because each repeated call is put first in
/// the queue.
#[derive(Default)]
pub(super) struct OpenCalls(Vec<AssignedJob>);

impl OpenCalls {
    /// Returns the open calls of the last worker of `isolate`, which has ended; `job` is the job that it had.
    pub(super) fn of(
        hub: &Hub,
        isolate: &Isolate,
        job: Option<AssignedJob>,
    ) -> (Option<AssignedJob>, Self) {
        let Some(jobs) = isolate.jobs() else { return (job, Self::default()) };
        let (call, job) = match job {
            Some(taken) if taken.is_call() => (Some(taken), None),
            job => (None, job),
        };
        let mut calls = jobs.leave_detached(isolate.link());
        calls.extend(call);
        let sent = hub.calls().take_sent(isolate.link());
        calls.extend(sent.into_iter().map(|(number, ticket)| jobs.take_over(number, ticket)));
        calls.sort_unstable_by_key(|taken| Reverse(taken.job.number));
        (job, Self(calls))
    }

    /// Passes each call to another worker, or ends it with an error.
    pub(super) fn recover(
        self,
        isolate: &Isolate,
        reason: &CloseReason,
        is_followed: bool,
        log: &mut Log,
    ) {
        let Some(jobs) = isolate.jobs() else { return };
        let another = match isolate.pool() {
            Some(pool) => !pool.is_disposed() && pool.has_members(),
            None => is_followed,
        };
        for taken in self.0 {
            match jobs.recover_call(taken, reason, another) {
                Recovered::Settled => {}
                Recovered::GivenAgain { job, deaths } => {
                    log.add(isolate.name(), Event::JobGivenAgain { job, deaths });
                }
                Recovered::Lost { job, reason } => {
                    log.add(isolate.name(), Event::JobLost { job, reason });
                }
            }
        }
    }
}

impl Isolate {
    /// Sends a call to the worker. It goes over the link if the worker runs and nothing is queued before it.
    pub(crate) fn send_call(&self, hub: &Hub, ticket: Arc<Ticket>) {
        let Some(jobs) = self.jobs() else { return };
        let link = hub.link(self.link()).filter(|_| self.pool().is_none());
        match link.filter(|link| !link.is_drained()).and_then(|link| Some((jobs.pass()?, link))) {
            Some((number, link)) => send_call(hub, self.link(), &link, number, ticket),
            None => jobs.ask(ticket),
        }
    }

    /// Records how the last worker of the isolate has ended.
    pub(super) fn note_end(&self, reason: &CloseReason) {
        let Some((message, _)) = reason.failure() else { return };
        let message = match self.pool() {
            Some(_) => format!("no worker of the pool is left; the last one failed: {message}"),
            None => message.to_owned(),
        };
        self.set_ended(Ended::Died(message));
    }
}
