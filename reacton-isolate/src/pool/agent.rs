//! Represents a worker in another process at its queue: sends jobs and calls to the worker, and handles its reports.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Jobs;
use super::direct::return_call;
use super::jobs::{Job, Work};
use super::sleeper::Sleeper;
use crate::link::{FarCall, Outbox, Sender, Sent};
use crate::sync::LinkId;
use crate::wire::frame::Batch;
use crate::wire::frame::work::{FarOutcome, Report};
use crate::wire::message::IsolateMessage;
use crate::wire::ticket::{Answered, CallRef, WorkKey};
use crate::wire::value::Payload;

/// Represents a worker in another process.
pub(crate) struct Agent {
    link: LinkId,
    /// `None` if the worker has no queue: it is not a member of a pool, and answers no calls.
    jobs: Option<Arc<Jobs>>,
    sender: Arc<Sender>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The job that was sent to the worker and is not finished, and whether the worker has begun it.
    job: Option<(u64, bool)>,
    /// Calls of the queue whose async answers are not ready.
    later: BTreeSet<u64>,
    /// The worker has asked for a job and waits for one.
    asks: bool,
    /// The worker is to end, and has nothing to do.
    resigns: bool,
}

/// Why a report of a worker cannot be true.
pub(crate) type Untrue = &'static str;

const NO_JOB: Untrue = "it is done with a job that it does not have";
const NO_CALL: Untrue = "it has answered a call that it does not have";
const NO_ANSWER: Untrue = "it is done with a call that it has not answered";
const NO_BEGIN: Untrue = "it has begun with a job or a call that it does not have";

impl Agent {
    pub(crate) fn new(link: LinkId, jobs: Option<Arc<Jobs>>, sender: Arc<Sender>) -> Self {
        let agent = Self { link, jobs, sender, state: Mutex::default() };
        agent.limit(agent.sender.max_value());
        agent
    }

    /// From now on no longer value may be sent, nor be in a job of its queue.
    pub(crate) fn limit(&self, max_value: u64) {
        self.sender.limit(max_value);
        if let Some(jobs) = &self.jobs {
            jobs.limit(max_value);
        }
    }

    /// Returns the sending end of the road to the worker.
    pub(crate) fn sender(&self) -> &Arc<Sender> {
        &self.sender
    }

    /// Returns the calls that the worker answers.
    pub(crate) fn answers(&self) -> &[CallRef] {
        self.jobs.as_ref().map_or(&[], |jobs| &jobs.callee().answers)
    }

    /// Returns whether the queue of the worker is that of a pool; `None` if the worker has no queue.
    pub(crate) fn queue(&self) -> Option<bool> {
        self.jobs.as_ref().map(|jobs| jobs.callee().is_pool)
    }

    /// Returns whether a job is queued that the worker could begin.
    pub(crate) fn is_awaited(&self) -> bool {
        let has_unbegun = matches!(self.state().job, Some((_, false)));
        has_unbegun || self.jobs.as_ref().is_some_and(|jobs| jobs.stats().waiting > 0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called when the worker has panicked, or its process has ended as if it had. Ends the calls whose outcome does
    /// not depend on main.
    pub(crate) fn fail(&self, call: Option<WorkKey>, message: &str, location: Option<&str>) {
        if let Some(call) = call {
            self.sender.calls().note_fault(call);
        }
        if let Some(jobs) = &self.jobs {
            jobs.fail(self.link, message, location);
        }
    }

    /// Takes a job and sends it, if the worker has asked for one. May be called on any thread.
    pub(super) fn look(self: &Arc<Self>) {
        let Some(jobs) = &self.jobs else { return };
        loop {
            let state = self.state();
            if !state.asks || state.job.is_some() {
                return;
            }
            drop(state);
            let sleeper = || Sleeper::Away(Arc::downgrade(self));
            // If two threads call this at once, only one of them gets a job.
            let Some(job) = jobs.take(self.link, sleeper) else { break };
            if self.give(jobs, job) {
                return;
            }
            // The job is a call that has ended already, or is lost.
            jobs.finish(self.link);
        }
        let resigns = self.state().resigns;
        if resigns && jobs.resign(self.link) {
            self.state().resigns = false;
            self.sender.send_work(Batch::resigned);
        }
    }

    /// Whether a value is longer than the road takes: it was written before this worker was known.
    fn is_too_long(&self, work: &Work) -> bool {
        let most = self.sender.max_value();
        let Work::Changes { changes, .. } = work else { return false };
        most < u64::MAX && changes.iter().any(|change| change.payload.longest_part() as u64 > most)
    }

    /// Sends a job, behind everything sent before. Returns `false` if the job is a call that has ended, or is too long.
    fn give(&self, jobs: &Jobs, job: Job) -> bool {
        let Job { number, work, .. } = job;
        if self.is_too_long(&work) {
            jobs.refuse(self.link, self.sender.max_value());
            return false;
        }
        let mut state = self.state();
        state.job = Some((number, false));
        (state.asks, state.resigns) = (false, false);
        drop(state);
        match work {
            Work::Changes { clock, changes } => {
                self.sender.send_work(|batch| {
                    batch.job(number);
                    batch.changes(clock, &changes);
                });
                true
            }
            Work::Call(ticket) => {
                let is_sent = self.sender.send_call(WorkKey { queued: true, number }, &ticket);
                if !is_sent {
                    let mut state = self.state();
                    (state.job, state.asks) = (None, true);
                }
                is_sent
            }
        }
    }

    /// Handles a report of the worker. Returns what became of the message that the report puts into main's inbox, if
    /// any.
    ///
    /// # Errors
    /// If the report cannot be true.
    pub(crate) fn hear(
        self: &Arc<Self>,
        report: Report,
        outbox: &Outbox,
    ) -> Result<Option<Sent>, Untrue> {
        let queue = || self.jobs.as_deref().ok_or(NO_JOB);
        match report {
            Report::Begun(key) => self.begun(key)?,
            Report::Answer(key, outcome) => return self.answered(key, outcome, outbox),
            Report::Fault(key) => {
                if !self.sender.calls().note_fault(key) {
                    return Err(NO_CALL);
                }
            }
            Report::Ask { done } => {
                let jobs = queue()?;
                if done != 0 {
                    self.done(jobs, done)?;
                }
                self.state().asks = true;
                self.look();
            }
            Report::Done(number) => self.done(queue()?, number)?,
            Report::Later(number) => self.go_on_later(queue()?, number)?,
            Report::Busy => {
                let jobs = queue()?;
                self.state().asks = false;
                jobs.busy(self.link);
            }
            Report::Leaving => queue()?.drain(self.link),
            Report::Resign => {
                queue()?;
                self.state().resigns = true;
                self.look();
            }
        }
        Ok(None)
    }

    /// The answer of a call continues as a future: the worker can do the next job.
    fn go_on_later(&self, jobs: &Jobs, number: u64) -> Result<(), Untrue> {
        let mut state = self.state();
        let is_call = self.sender.calls().is_begun(WorkKey { queued: true, number });
        if state.job != Some((number, true)) || !is_call {
            return Err(NO_JOB);
        }
        state.job = None;
        state.later.insert(number);
        drop(state);
        jobs.detach(self.link);
        Ok(())
    }

    fn begun(&self, key: WorkKey) -> Result<(), Untrue> {
        let WorkKey { queued, number } = key;
        if !queued {
            return if self.sender.calls().begin(key) { Ok(()) } else { Err(NO_BEGIN) };
        }
        let mut state = self.state();
        if state.job != Some((number, false)) {
            return Err(NO_BEGIN);
        }
        state.job = Some((number, true));
        drop(state);
        // The job may be a call.
        self.sender.calls().begin(key);
        if let Some(jobs) = &self.jobs {
            // Main may have disposed the worker meanwhile.
            let _ = jobs.begin(self.link);
        }
        Ok(())
    }

    /// The worker has finished a job of the queue.
    fn done(&self, jobs: &Jobs, number: u64) -> Result<(), Untrue> {
        let mut state = self.state();
        let is_present = state.job == Some((number, true));
        if is_present {
            state.job = None;
        } else if !state.later.remove(&number) {
            return Err(NO_JOB);
        }
        drop(state);
        if let Some(FarCall { ticket, .. }) =
            self.sender.calls().remove(WorkKey { queued: true, number })
        {
            if !(ticket.is_settled() || ticket.is_cancelled()) {
                return Err(NO_ANSWER);
            }
            // The call was cancelled after it began and before its answer began, so it has no answer.
            ticket.complete(Err(ticket.cancellation()));
        }
        if is_present {
            jobs.finish(self.link);
        } else {
            jobs.finish_detached(self.link, number);
        }
        Ok(())
    }

    fn answered(
        &self,
        key: WorkKey,
        outcome: FarOutcome,
        outbox: &Outbox,
    ) -> Result<Option<Sent>, Untrue> {
        let call = self.sender.calls().answer(key, outcome.is_err()).ok_or(NO_CALL)?;
        let outcome = match outcome {
            Ok(value) => Ok(Payload::Bytes(value)),
            Err(error) => Err(error.error(&call)),
        };
        Ok(if !key.queued {
            call.answer(outcome);
            return_call(outbox, key.number, call);
            Some(Sent::Queued)
        } else if call.is_by_link() {
            let answer = Answered::new(call, outcome);
            Some(outbox.send(IsolateMessage::Answered(answer)))
        } else {
            call.complete(outcome);
            None
        })
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("link", &self.link).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
