//! The jobs of a pool: one queue from which its members take jobs, each when it has nothing else to do.
//!
//! Each job takes the lock twice: when main writes it, and when a member finishes its last job and takes this one.

mod calls;
mod state;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reacton_core::{Mailbox, panics};

pub(crate) use self::calls::{Callee, Recovered};
pub(crate) use self::state::Ended;
use self::state::{Sleepers, State};
use super::report::report_pool;
#[cfg(feature = "process")]
use super::report::report_too_long;
use super::sleeper::Sleeper;
use crate::interrupt::interrupt;
use crate::sync::LinkId;
use crate::wire::change::ChangeList;
use crate::wire::ticket::Ticket;

/// A job for one member.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// From 1, in the order in which the jobs were written.
    pub(crate) number: u64,
    /// The number of workers that have panicked on it.
    pub(crate) deaths: u32,
    pub(crate) work: Work,
}

/// The content of a job.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// What main wrote in one transaction.
    Changes { clock: u64, changes: ChangeList },
    /// A call that a worker is to answer.
    Call(Arc<Ticket>),
}

/// A job that a member has taken.
pub(crate) struct AssignedJob {
    pub(crate) job: Job,
    /// If false, the job may still be queued behind other items in the member's inbox.
    pub(crate) begun: bool,
}

/// The numbers of jobs of a pool so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// Jobs that main has written, and calls.
    pub given: u64,
    /// Jobs that a member has done, including the work of its observers. While the worker's function is running,
    /// because it is async or has its own loop, a job is done when the function asks for the next turn.
    ///
    /// The result may arrive in main later. If the member is disposed before main has applied the result, the result is
    /// dropped, and the job counts as done.
    pub done: u64,
    /// How many times a job was repeated by another worker after a panic.
    pub retried: u64,
    /// Jobs that were lost: they caused a panic, and may not be repeated again.
    pub lost: u64,
    /// Jobs that are queued now.
    pub waiting: usize,
    /// Jobs that are running now.
    pub at_work: usize,
}

/// The queue, shared by main and all members.
pub(crate) struct Jobs {
    /// Unique in the process.
    number: u64,
    state: Mutex<State>,
    /// The mailbox of main, which may wait for a condition that reads the statistics.
    main: Mailbox,
    callee: Callee,
    /// The longest value of a job, in bytes.
    max_value: AtomicU64,
}

impl Jobs {
    /// Returns an empty queue for workers that `callee` describes, whose main store has this mailbox.
    pub(crate) fn new(main: Mailbox, callee: Callee) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let max_value = AtomicU64::new(u64::MAX);
        Self { number, state: Mutex::default(), main, callee, max_value }
    }

    /// The longest value of a job, in bytes.
    pub(crate) fn max_value(&self) -> u64 {
        self.max_value.load(Ordering::Relaxed)
    }

    /// From now on no job has a longer value.
    #[cfg(feature = "process")]
    pub(crate) fn limit(&self, max_value: u64) {
        self.max_value.fetch_min(max_value, Ordering::Relaxed);
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Adds the member behind `link`.
    pub(crate) fn join(&self, link: LinkId) {
        self.state().join(link);
    }

    /// Called when the member behind `link` is shut down while the pool continues. It gets no more jobs, unless no
    /// other member stays.
    pub(crate) fn drain(&self, link: LinkId) {
        let mut state = self.state();
        state.drain(link);
        self.wake_sleepers(state);
    }

    /// Wakes main, which may wait for a condition that reads the statistics.
    #[inline]
    fn recheck(&self) {
        if self.callee.is_pool {
            self.main.recheck();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job that main has written.
    pub(crate) fn push(&self, clock: u64, changes: ChangeList) {
        let mut state = self.state();
        state.stats.given += 1;
        let number = state.stats.given;
        state.waiting.push_back(Job { number, deaths: 0, work: Work::Changes { clock, changes } });
        self.wake_sleepers(state);
    }

    /// Queues a job of a worker that has ended again, for the next free member.
    pub(crate) fn push_again(&self, job: Job, begun: bool) {
        let mut state = self.state();
        state.orphans -= 1;
        state.stats.retried += u64::from(begun);
        state.waiting.push_front(job);
        self.wake_sleepers(state);
    }

    /// Wakes the members that should look for a job, after it has released the lock.
    fn wake_sleepers(&self, mut state: MutexGuard<'_, State>) {
        let sleepers = state.take_sleepers();
        let reports = state.reports();
        let idle = state.take_idle_wakers();
        drop(state);
        idle.into_iter().for_each(panics::wake);
        self.tell(sleepers, reports);
    }

    #[inline]
    fn tell(&self, sleepers: Sleepers, reports: bool) {
        if sleepers.first.is_none() && !reports {
            return;
        }
        // A member may have ended meanwhile. When main handles that end, it wakes members again.
        for (link, sleeper) in sleepers.first.into_iter().chain(sleepers.more) {
            interrupt();
            sleeper.wake(link);
        }
        if reports {
            report_pool(&self.main, self.number);
        }
    }

    /// Called when the member behind `link` asks for its next job, which means that it has finished the last one.
    /// Returns the job, and whether it is begun. `begins` is called if there is a job. If there is none, `sleeper`
    /// wakes the member once there is one.
    pub(crate) fn next(
        &self,
        link: LinkId,
        sleeper: impl FnOnce() -> Sleeper,
        begins: impl FnOnce() -> bool,
    ) -> Option<(Job, bool)> {
        self.assign(link, true, sleeper, begins)
    }

    /// As [`next`](Self::next), for a member in another process, which reports by itself when it finishes and begins a
    /// job.
    #[cfg(feature = "process")]
    pub(super) fn take(&self, link: LinkId, sleeper: impl FnOnce() -> Sleeper) -> Option<Job> {
        self.assign(link, false, sleeper, || false).map(|(job, _)| job)
    }

    fn assign(
        &self,
        link: LinkId,
        is_done: bool,
        sleeper: impl FnOnce() -> Sleeper,
        begins: impl FnOnce() -> bool,
    ) -> Option<(Job, bool)> {
        let mut state = self.state();
        if state.job_of(link).is_some_and(|assigned| !(assigned.begun && is_done)) {
            // The member has a job, which is in its inbox or on its way there.
            return None;
        }
        let done = state.finish(link);
        // Also `None` if main has disposed the member meanwhile, and has woken another one.
        let next = state.take(link, begins);
        // Wakes others before this member becomes idle, so that it does not wake itself. If the queue is empty, a
        // member in another process wakes no others: they were woken when the last job was finished, and two members
        // that wake each other would never stop.
        let wakes = is_done || !state.waiting.is_empty();
        let sleepers = if wakes { state.take_sleepers() } else { Sleepers::default() };
        if next.is_none() {
            state.rest(link, sleeper);
        }
        let reports = (done.is_some() || next.is_some()) && state.reports();
        let idle = state.take_idle_wakers();
        drop(state);
        idle.into_iter().for_each(panics::wake);
        self.tell(sleepers, reports);
        if done.is_some() || next.is_some() {
            self.recheck();
        }
        // The content of the job is user data, so it is dropped outside of the lock.
        drop(done);
        next
    }

    /// Called when the member behind `link` begins its job. Returns whether the member still has the job: main may have
    /// disposed the member meanwhile, and assigned the job to another one.
    pub(crate) fn begin(&self, link: LinkId) -> bool {
        self.state().begin(link)
    }

    /// Called when the job of the member behind `link` has a value of more bytes than the road to it takes. The job is lost,
    /// which main shows in its next turn.
    #[cfg(feature = "process")]
    pub(super) fn refuse(&self, link: LinkId, max_value: u64) {
        let mut state = self.state();
        let Some(job) = state.take_back(link) else { return };
        state.orphans += 1;
        self.wake_sleepers(state);
        report_too_long(&self.main, self.number, job, max_value);
    }

    /// Called when the member behind `link` has finished its job, and does not ask for the next one yet.
    pub(crate) fn finish(&self, link: LinkId) {
        let mut state = self.state();
        let Some(done) = state.finish(link) else { return };
        self.wake_sleepers(state);
        self.recheck();
        // The content is user data, so it is dropped outside of the lock.
        drop(done);
    }

    /// Called when the member behind `link` has ended. Returns the job that it had. The caller has to [queue it
    /// again](Self::push_again) or [give it up](Self::give_up); until then the other members do not end.
    pub(crate) fn leave(&self, link: LinkId) -> Option<AssignedJob> {
        let mut state = self.state();
        let job = state.remove(link);
        state.orphans += usize::from(job.is_some());
        self.wake_sleepers(state);
        job
    }

    /// Called when the member behind `link` applies something other than a job. Until it has done so, jobs go to other
    /// members first. Returns whether the member was idle: then it has to look for a job afterwards.
    pub(crate) fn busy(&self, link: LinkId) -> bool {
        if !self.callee.is_pool {
            return false;
        }
        let mut state = self.state();
        let was_idle = state.busy(link);
        self.wake_sleepers(state);
        was_idle
    }

    /// Called when the job of a member that has ended is not repeated.
    pub(crate) fn give_up(&self) {
        let mut state = self.state();
        state.orphans -= 1;
        self.wake_sleepers(state);
    }

    /// Lets the members end when nothing is left to do.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closing = true;
        self.wake_sleepers(state);
    }

    /// Takes all queued jobs, because no member is left that could do them.
    pub(crate) fn abandon(&self) -> VecDeque<Job> {
        let mut state = self.state();
        let waiting = state.waiting.take();
        if !waiting.is_empty() {
            self.wake_sleepers(state);
        }
        waiting
    }

    /// Called when the member behind `link`, which is to end, has nothing to do. Returns whether it ends. If so, it is
    /// no longer a member, whatever happens to the others, because its function may act on the answer and return. It
    /// stays as long as it may still get a job: a job returns to the queue if its worker panics.
    pub(crate) fn resign(&self, link: LinkId) -> bool {
        let mut state = self.state();
        if state.needs(link) {
            return false;
        }
        state.remove(link);
        self.wake_sleepers(state);
        true
    }

    pub(crate) fn note_lost(&self) {
        let mut state = self.state();
        state.stats.lost += 1;
        self.wake_sleepers(state);
    }

    /// From now on each change of the statistics is reported to main. Returns the current statistics.
    pub(crate) fn watch(&self) -> PoolStats {
        let mut state = self.state();
        state.watched = true;
        state.stats()
    }

    /// Returns the statistics to main, which has received a report.
    pub(crate) fn take_report(&self) -> PoolStats {
        let mut state = self.state();
        state.reported = false;
        state.stats()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.state().stats()
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats().fmt(f)
    }
}

#[cfg(test)]
mod tests;
