//! The log events of supervision. A subscriber of tracing is user code, which may panic or call the store. So the
//! events are collected, and emitted when all decisions are made.

use std::time::Duration;

use reacton_core::FirstPanic;

use crate::wire::message::CloseReason;

/// One event.
pub(crate) enum Event {
    Follows { reason: CloseReason, attempt: u32, wait: Duration },
    Failed { message: String, location: Option<String> },
    Ended,
    Disposed,
    StartedAgain,
    JobLost { job: u64, reason: String },
    JobGivenAgain { job: u64, deaths: u32 },
}

/// Events that are to be emitted, in order.
#[derive(Default)]
pub(crate) struct Log(Vec<(String, Event)>);

impl Log {
    /// Adds an event about the worker of this name.
    pub(crate) fn add(&mut self, worker: &str, event: Event) {
        self.0.push((worker.to_owned(), event));
    }

    /// Emits each event, even if the subscriber panicked at an earlier one. A panic goes to `panics`.
    pub(crate) fn emit(self, panics: &mut FirstPanic) {
        for (worker, event) in self.0 {
            panics.guard(|| event.emit(&worker));
        }
    }
}

impl Event {
    fn emit(self, worker: &str) {
        match self {
            Self::Follows { reason, attempt, wait } => tracing::warn!(
                worker,
                ?reason,
                attempt,
                ?wait,
                "a worker panicked; another follows"
            ),
            Self::Failed { message, location } => {
                tracing::warn!(worker, reason = message, location, "a worker has failed");
            }
            Self::Ended => tracing::debug!(worker, "a worker has ended"),
            Self::Disposed => tracing::debug!(worker, "disposed"),
            Self::StartedAgain => tracing::debug!(worker, "a worker was started again"),
            Self::JobLost { job, reason } => tracing::warn!(worker, job, reason, "a job is lost"),
            Self::JobGivenAgain { job, deaths } => {
                tracing::debug!(worker, job, deaths, "a job is given again");
            }
        }
    }
}
