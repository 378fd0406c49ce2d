//! Calls in the queue: each is a job that one member answers, and that has an outcome whatever happens to the members.

use std::sync::Arc;
use std::task::Waker;
use std::thread::ThreadId;

use super::{AssignedJob, Ended, Job, Jobs, Work};
use crate::error::CallError;
use crate::sync::LinkId;
use crate::wire::message::CloseReason;
use crate::wire::ticket::{CallRef, Ticket};

/// What the queue knows about its workers, for calls.
pub(crate) struct Callee {
    /// The name of the worker, or of the pool.
    pub(crate) worker: Arc<str>,
    /// The calls that the workers answer.
    pub(crate) answers: Vec<CallRef>,
    /// The thread of the store that spawned them.
    pub(crate) thread: ThreadId,
    /// How many times a call is repeated after a panic of its worker.
    pub(crate) retries: u32,
    /// Several workers share the queue.
    pub(crate) is_pool: bool,
}

impl Callee {
    /// Describes the workers of a pool that answers no calls.
    #[cfg(test)]
    pub(crate) fn of_pool(worker: &str) -> Self {
        let thread = std::thread::current().id();
        Self { worker: worker.into(), answers: Vec::new(), thread, retries: 0, is_pool: true }
    }

    /// Returns whether the workers answer `call`.
    pub(crate) fn answers(&self, call: CallRef) -> bool {
        self.answers.iter().any(|listed| listed.id == call.id)
    }
}

impl Ended {
    fn error(&self, ticket: &Ticket) -> CallError {
        match self {
            Self::Disposed => ticket.disposal(),
            Self::Died(message) => ticket.death(message.clone(), None),
        }
    }
}

impl Job {
    fn call(&self) -> Option<&Arc<Ticket>> {
        match &self.work {
            Work::Call(ticket) => Some(ticket),
            Work::Changes { .. } => None,
        }
    }
}

impl AssignedJob {
    /// Returns whether the job is a call.
    pub(crate) fn is_call(&self) -> bool {
        self.job.call().is_some()
    }
}

impl Jobs {
    pub(crate) fn callee(&self) -> &Callee {
        &self.callee
    }

    /// Queues a call for the first free member.
    pub(crate) fn ask(&self, ticket: Arc<Ticket>) {
        let mut state = self.state();
        if let Some(ended) = &state.ended {
            let error = ended.error(&ticket);
            drop(state);
            return ticket.complete(Err(error));
        }
        state.stats.given += 1;
        let number = state.stats.given;
        state.waiting.push_back(Job { number, deaths: 0, work: Work::Call(ticket) });
        self.wake_sleepers(state);
    }

    /// Called when the answer of a call of the member behind `link` continues as a future, and the member does other
    /// jobs.
    pub(crate) fn detach(&self, link: LinkId) {
        self.state().detach(link);
    }

    /// Called when an answer of the member behind `link` that continued as a future is ready.
    pub(crate) fn finish_detached(&self, link: LinkId, number: u64) {
        let mut state = self.state();
        let Some(job) = state.finish_detached(link, number) else { return };
        self.wake_sleepers(state);
        self.recheck();
        drop(job);
    }

    /// Called when the member behind `link` has ended. Returns its calls whose answers were not ready, as
    /// [`leave`](Self::leave) returns its job.
    pub(crate) fn leave_detached(&self, link: LinkId) -> Vec<AssignedJob> {
        let mut state = self.state();
        let jobs = state.remove_detached(link);
        state.orphans += jobs.len();
        drop(state);
        jobs.into_iter().map(|job| AssignedJob { job, begun: true }).collect()
    }

    /// Called when the worker behind `link` has panicked, before its main store learns of it in a turn. Ends the calls
    /// that do not depend on the turns of main, and are not repeated.
    pub(crate) fn fail(&self, link: LinkId, message: &str, location: Option<&str>) {
        let failed: Vec<_> = {
            let state = self.state();
            let begun = state.begun_by(link).filter(|job| job.deaths >= self.callee.retries);
            let tickets = begun.filter_map(Job::call).filter(|ticket| !ticket.is_by_link());
            tickets.cloned().collect()
        };
        for ticket in failed {
            let error = ticket.death(message.to_owned(), location.map(String::from));
            ticket.complete(Err(error));
        }
    }

    /// Returns the number of a new call that may skip the queue, because it will begin before everything that is queued
    /// from now on. Returns `None` if a job is queued, or was taken and has not begun: a call on the link would
    /// overtake that job.
    pub(crate) fn pass(&self) -> Option<u64> {
        let mut state = self.state();
        if !state.is_free() {
            return None;
        }
        state.stats.given += 1;
        Some(state.stats.given)
    }

    /// Called when a worker has ended to which the call with this number was sent over the link. Returns the call as a
    /// job, which may be repeated.
    pub(crate) fn take_over(&self, number: u64, ticket: Arc<Ticket>) -> AssignedJob {
        let begun = ticket.has_begun();
        self.state().orphans += 1;
        AssignedJob { job: Job { number, deaths: 0, work: Work::Call(ticket) }, begun }
    }

    /// Called when a worker has ended that had this call. Repeats the call if there is `another` worker and the limit
    /// allows it, and otherwise ends it. Returns what became of it.
    pub(crate) fn recover_call(
        &self,
        taken: AssignedJob,
        reason: &CloseReason,
        another: bool,
    ) -> Recovered {
        let AssignedJob { mut job, begun } = taken;
        let number = job.number;
        let Some(ticket) = job.call().cloned() else { return Recovered::Settled };
        if ticket.is_settled() && !ticket.has_died() {
            // An answer from before the end has arrived, unless the worker was disposed.
            match reason {
                CloseReason::Disposed => ticket.complete(Err(ticket.disposal())),
                _ => ticket.deliver(),
            }
            self.settle_orphan();
            return Recovered::Settled;
        }
        let died = reason.failure().is_some();
        job.deaths += u32::from(begun && died);
        let again = another && (!begun || (died && job.deaths <= self.callee.retries));
        if again && ticket.give_again() {
            let deaths = job.deaths;
            self.push_again(job, begun);
            return Recovered::GivenAgain { job: number, deaths };
        }
        let error = match reason.failure() {
            Some((message, location)) => {
                ticket.death(message.to_owned(), location.map(str::to_owned))
            }
            None => ticket.disposal(),
        };
        let why = error.to_string();
        ticket.complete(Err(error));
        self.give_up();
        self.note_lost();
        Recovered::Lost { job: number, reason: why }
    }

    /// Counts a call as done that its member had answered before the member ended.
    fn settle_orphan(&self) {
        let mut state = self.state();
        state.orphans -= 1;
        state.stats.done += 1;
        self.wake_sleepers(state);
        self.recheck();
    }

    /// Returns whether nothing is left to do, and no job can return to the queue.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().is_done()
    }

    /// Calls the waker when nothing is left to do. Returns whether something is left.
    pub(crate) fn wake_when_idle(&self, waker: Waker) -> bool {
        let mut state = self.state();
        if state.is_done() {
            drop(state);
            return false;
        }
        let known = state.idle_wakers.iter_mut().find(|known| known.will_wake(&waker));
        let displaced = if let Some(known) = known {
            Some(std::mem::replace(known, waker))
        } else {
            state.idle_wakers.push(waker);
            None
        };
        drop(state);
        drop(displaced);
        true
    }

    /// From now on no call is accepted. Calls that are queued are answered.
    pub(crate) fn refuse_calls(&self) {
        self.state().ended.get_or_insert(Ended::Disposed);
    }

    /// Ends all calls, because no member is left that could answer.
    pub(crate) fn end(&self, ended: &Ended) {
        let mut state = self.state();
        // For later calls the first reason stays, such as that of a shutdown. Open calls end with this one.
        state.ended.get_or_insert_with(|| ended.clone());
        let mut over: Vec<_> = state.begun().filter_map(Job::call).cloned().collect();
        let (calls, others): (Vec<_>, Vec<_>) =
            state.waiting.take().into_iter().partition(|job| job.call().is_some());
        for job in others {
            state.waiting.push_back(job);
        }
        over.extend(calls.iter().filter_map(Job::call).cloned());
        let lost = calls.iter().filter_map(Job::call).filter(|ticket| !ticket.is_settled()).count();
        state.stats.lost += lost as u64;
        state.stats.done += (calls.len() - lost) as u64;
        if calls.is_empty() {
            drop(state);
        } else {
            self.wake_sleepers(state);
            self.recheck();
        }
        for ticket in over {
            let error = ended.error(&ticket);
            ticket.complete(Err(error));
        }
    }
}

/// What became of a call whose worker has ended.
pub(crate) enum Recovered {
    /// The worker had answered.
    Settled,
    GivenAgain {
        job: u64,
        deaths: u32,
    },
    Lost {
        job: u64,
        reason: String,
    },
}
