//! What becomes of a call whose worker has ended.

use super::supervise::{Event, Isolate, Log};
use crate::hub::Owner;
use crate::pool::{AssignedJob, Ended, Recovered};
use crate::wire::message::CloseReason;

/// The calls that a worker was at when it ended.
#[derive(Default)]
pub(super) struct OpenCalls(Vec<AssignedJob>);

impl OpenCalls {
    /// Of the present worker of `isolate`, which has ended; `job` is the job that it had.
    pub(super) fn of(isolate: &Isolate, job: Option<AssignedJob>) -> (Option<AssignedJob>, Self) {
        let Some(jobs) = isolate.jobs() else { return (job, Self::default()) };
        let (call, job) = match job {
            Some(taken) if taken.is_call() => (Some(taken), None),
            job => (None, job),
        };
        let mut calls = jobs.leave_detached(isolate.link());
        calls.extend(call);
        (job, Self(calls))
    }

    /// Each goes to another worker, or is over.
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
    /// Its last worker has ended like this.
    pub(super) fn note_end(&self, reason: &CloseReason) {
        let message = match reason {
            CloseReason::Failed { message } | CloseReason::Panicked { message, .. } => message,
            CloseReason::Drained | CloseReason::Disposed => return,
        };
        let message = match self.pool() {
            Some(_) => format!("no worker of the pool is left; the last one failed: {message}"),
            None => message.clone(),
        };
        self.set_ended(Ended::Died(message));
    }
}
