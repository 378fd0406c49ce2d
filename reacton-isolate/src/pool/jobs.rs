//! The jobs of a pool: one queue that its members take from, each when it has nothing else to do.
//!
//! A member asks for a job by an item in its own inbox ([`Fetch`]), and what it is given goes to the end of that
//! inbox ([`Work`]): so whatever main sent before the job has been taken in when the job is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reacton_core::wiring::Wiring;
use reacton_core::{Arrival, Mailbox, ReactonStore};

use crate::hub::Hub;
use crate::message::Change;
use crate::sync::LinkId;
use crate::testing::interrupt;

/// What main wrote in one transaction, to be taken in by one member.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// From 1, in the order in which they were written.
    pub(crate) number: u64,
    /// How many workers have died of it.
    pub(crate) deaths: u32,
    pub(crate) clock: u64,
    pub(crate) changes: Vec<Change>,
}

/// A job in the hands of a member.
pub(crate) struct Taken {
    pub(crate) job: Job,
    /// It may still stand behind something else in the member's inbox.
    pub(crate) begun: bool,
}

/// What has become of the jobs of a pool so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// Jobs that main has written.
    pub given: u64,
    /// Jobs that a member has done, with all that its observers did in answer. If the worker's function is still running,
    /// because it is async or has a loop of its own, a job is done when the function asks for the next turn.
    ///
    /// The result may not have arrived in main by then. If the member is disposed before main has taken the result in, the
    /// result is dropped, and the job counts as done.
    pub done: u64,
    /// Jobs that died with their worker and were given to another.
    pub retried: u64,
    /// Jobs that died with their worker for good.
    pub lost: u64,
    /// Jobs that wait now for a member that has nothing to do.
    pub waiting: usize,
    /// Jobs that members are at now.
    pub at_work: usize,
}

/// The queue, for main and for all members.
pub(crate) struct Jobs {
    state: Mutex<State>,
    /// Of main: it may wait for a condition that reads the statistics.
    main: Mailbox,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Members that have nothing to do.
    idle: Vec<(LinkId, Mailbox)>,
    /// Members that were idle, and are to look for a job.
    woken: Vec<LinkId>,
    at_work: BTreeMap<LinkId, Taken>,
    /// Members that have neither ended nor [resigned](Jobs::resign): no other link is given a job.
    members: BTreeSet<LinkId>,
    /// Members that are being shut down while the pool goes on.
    leaving: BTreeSet<LinkId>,
    /// Jobs of members that have ended, until it is decided what becomes of them.
    orphans: usize,
    /// Members end when nothing is left to do.
    closing: bool,
    stats: PoolStats,
}

impl State {
    /// Whether nothing is left to do, nor can come back.
    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.at_work.is_empty() && self.orphans == 0
    }

    /// Whether the member behind `link` is given jobs. One that is being shut down by itself is not, as long as another
    /// member stays.
    fn employs(&self, link: LinkId) -> bool {
        let only_leaving = self.members.len() == self.leaving.len();
        self.members.contains(&link)
            && (self.closing || only_leaving || !self.leaving.contains(&link))
    }

    /// Whether the member behind `link` is at a job, or may still get one.
    fn needs(&self, link: LinkId) -> bool {
        self.members.contains(&link)
            && if self.closing {
                !self.is_done()
            } else {
                self.at_work.contains_key(&link) || (self.employs(link) && !self.waiting.is_empty())
            }
    }

    /// Those who are to look: one for each job that waits; all of them if they are to end.
    fn take_sleepers(&mut self) -> Vec<(LinkId, Mailbox)> {
        let ends = self.closing && self.is_done();
        let (fit, unfit) =
            std::mem::take(&mut self.idle).into_iter().partition(|(link, _)| self.employs(*link));
        self.idle = fit;
        let left = if ends { 0 } else { self.idle.len().saturating_sub(self.waiting.len()) };
        let woken = self.idle.split_off(left);
        self.idle.extend::<Vec<_>>(unfit);
        self.woken.extend(woken.iter().map(|(link, _)| *link));
        woken
    }

    /// Takes a member off the list of those who are to look. Gives whether it was on it.
    fn has_looked(&mut self, link: LinkId) -> bool {
        let at = self.woken.iter().position(|woken| *woken == link);
        at.map(|at| self.woken.swap_remove(at)).is_some()
    }
}

impl Jobs {
    /// The queue of a pool whose main store has this mailbox.
    pub(crate) fn new(main: Mailbox) -> Self {
        Self { state: Mutex::default(), main }
    }

    /// A member begins.
    pub(crate) fn join(&self, link: LinkId) {
        self.state().members.insert(link);
    }

    /// The member behind `link` is to end by itself: it is given no more jobs, unless no other member stays.
    pub(crate) fn drain(self: &Arc<Self>, link: LinkId) {
        let mut state = self.state();
        if state.members.contains(&link) {
            state.leaving.insert(link);
        }
        // It may have been the one that was to look for a job.
        self.wake_sleepers(state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Main has written one more.
    pub(crate) fn push(self: &Arc<Self>, clock: u64, changes: Vec<Change>) {
        let mut state = self.state();
        state.stats.given += 1;
        let number = state.stats.given;
        state.waiting.push_back(Job { number, deaths: 0, clock, changes });
        self.wake_sleepers(state);
    }

    /// A job whose worker has ended is given to the next that is free.
    pub(crate) fn push_again(self: &Arc<Self>, job: Job, begun: bool) {
        let mut state = self.state();
        state.orphans -= 1;
        state.stats.retried += u64::from(begun);
        state.waiting.push_front(job);
        self.wake_sleepers(state);
    }

    /// Makes those look who are to, outside of the lock.
    fn wake_sleepers(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let sleepers = state.take_sleepers();
        drop(state);
        // One that has ended meanwhile is followed by another look, when main hears of it.
        for (link, mailbox) in sleepers {
            interrupt();
            mailbox.post(Fetch { jobs: Arc::clone(self), link });
        }
    }

    /// Gives the member its next job. If there is none, it is woken when there is one.
    fn next(self: &Arc<Self>, link: LinkId, mailbox: Mailbox) -> Option<Job> {
        if self.state().at_work.get(&link).is_some_and(|taken| !taken.begun) {
            // It has one, which stands in its inbox.
            return None;
        }
        // It asks for more, so what it was at before is over.
        self.done(link);
        let mut state = self.state();
        state.has_looked(link);
        if !state.members.contains(&link) {
            // Main has disposed it meanwhile, and has asked another to look.
            return None;
        }
        if !state.employs(link) {
            // It is there if the others leave as well.
            state.idle.push((link, mailbox));
            self.wake_sleepers(state);
            return None;
        }
        let Some(job) = state.waiting.pop_front() else {
            state.idle.push((link, mailbox));
            return None;
        };
        state.at_work.insert(link, Taken { job: job.clone(), begun: false });
        drop(state);
        self.main.recheck();
        Some(job)
    }

    /// The member behind `link` begins with its job. Returns whether the job is still its own: main may have disposed
    /// the member meanwhile, and given the job to another.
    fn begin(&self, link: LinkId) -> bool {
        let mut state = self.state();
        let taken = state.at_work.get_mut(&link);
        taken.map(|taken| taken.begun = true).is_some()
    }

    fn done(self: &Arc<Self>, link: LinkId) {
        let mut state = self.state();
        let Some(job) = state.at_work.remove(&link) else { return };
        state.stats.done += 1;
        self.wake_sleepers(state);
        self.main.recheck();
        // What it holds is the program's: dropped outside of the lock.
        drop(job);
    }

    /// The member behind `link` has ended. Gives the job that it had, which is given [again](Self::push_again) or
    /// [up](Self::give_up): until then the others do not end.
    pub(crate) fn leave(self: &Arc<Self>, link: LinkId) -> Option<Taken> {
        let mut state = self.state();
        state.members.remove(&link);
        state.leaving.remove(&link);
        let job = state.at_work.remove(&link);
        state.orphans += usize::from(job.is_some());
        state.idle.retain(|(idle, _)| *idle != link);
        state.has_looked(link);
        self.wake_sleepers(state);
        job
    }

    /// The member behind `link` takes in something else than a job: until it has, others are asked before it is. If it was
    /// idle, it looks for a job afterwards.
    pub(crate) fn busy<'s>(
        self: &'s Arc<Self>,
        store: &'s ReactonStore,
        link: LinkId,
    ) -> Option<Next<'s>> {
        let mut state = self.state();
        let before = state.idle.len();
        state.idle.retain(|(idle, _)| *idle != link);
        let was_idle = state.idle.len() < before;
        if state.has_looked(link) {
            self.wake_sleepers(state);
        }
        was_idle.then(|| Next { store, jobs: self, link })
    }

    /// Nobody does the job of a member that has ended.
    pub(crate) fn give_up(self: &Arc<Self>) {
        let mut state = self.state();
        state.orphans -= 1;
        self.wake_sleepers(state);
    }

    /// From now on members end when nothing is left to do.
    pub(crate) fn close(self: &Arc<Self>) {
        let mut state = self.state();
        state.closing = true;
        self.wake_sleepers(state);
    }

    /// Nobody is left to do what waits.
    pub(crate) fn abandon(&self) -> VecDeque<Job> {
        std::mem::take(&mut self.state().waiting)
    }

    /// The member behind `link`, which is asked to end, has nothing to do. Returns whether it ends: then it is no member any
    /// more, whatever happens to the others, because its function may act on the answer and return. It stays as long as
    /// it may still get a job: a job comes back if its worker dies of it.
    pub(crate) fn resign(self: &Arc<Self>, link: LinkId) -> bool {
        let mut state = self.state();
        if state.needs(link) {
            return false;
        }
        state.members.remove(&link);
        state.leaving.remove(&link);
        state.idle.retain(|(idle, _)| *idle != link);
        if state.has_looked(link) {
            self.wake_sleepers(state);
        }
        true
    }

    pub(crate) fn note_lost(&self) {
        self.state().stats.lost += 1;
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let state = self.state();
        PoolStats { waiting: state.waiting.len(), at_work: state.at_work.len(), ..state.stats }
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats().fmt(f)
    }
}

/// A member is to look for a job.
pub(crate) struct Fetch {
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) link: LinkId,
}

impl Arrival for Fetch {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Self { jobs, link } = *self;
        // Main's own waits must not count on a worker that only waits for work.
        let mailbox = Wiring::of(store).inbox().uncounted_mailbox();
        interrupt();
        if let Some(job) = jobs.next(link, mailbox.clone()) {
            interrupt();
            mailbox.post(Work { jobs, link, job });
        }
        0
    }
}

/// A job that a member has taken.
struct Work {
    jobs: Arc<Jobs>,
    link: LinkId,
    job: Job,
}

impl Arrival for Work {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Self { jobs, link, job } = *self;
        let Some(hub) = Hub::find(store) else { return 0 };
        // Also if an observer panics: a worker may catch that and go on.
        let _next = Next { store, jobs: &jobs, link };
        interrupt();
        if !jobs.begin(link) {
            return 0;
        }
        interrupt();
        // If it panics, the job stays where main finds it.
        hub.take_job(store, link, job.clock, job.changes);
        interrupt();
        if !hub.is_in_function() {
            jobs.done(link);
        }
        // Otherwise the worker is done with it when it asks for the next one.
        1
    }
}

/// Lets a member look for its next job.
pub(crate) struct Next<'w> {
    store: &'w ReactonStore,
    jobs: &'w Arc<Jobs>,
    link: LinkId,
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        let mailbox = Wiring::of(self.store).inbox().uncounted_mailbox();
        mailbox.post(Fetch { jobs: Arc::clone(self.jobs), link: self.link });
    }
}

#[cfg(test)]
mod tests;
