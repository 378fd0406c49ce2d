//! Records which jobs of a pool are queued, and what each member does. Plain data behind the lock of
//! [`Jobs`](super::Jobs).

use std::collections::BTreeMap;
use std::task::Waker;

use reacton_core::Backlog;

use super::{AssignedJob, Job, PoolStats, Sleeper};
use crate::sync::LinkId;

#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: Backlog<Job>,
    /// Members that have neither ended nor [resigned](super::Jobs::resign). No other link is assigned a job.
    members: BTreeMap<LinkId, Member>,
    /// Members that have nothing to do. The last one in the list became idle last.
    idle: Vec<LinkId>,
    /// How many members are [`Woken`](Stage::Woken).
    woken: usize,
    /// How many members have a job.
    at_work: usize,
    /// How many members are being shut down while the pool goes on.
    leaving: usize,
    /// Jobs of members that have ended, until each is queued again or given up.
    pub(super) orphans: usize,
    /// Calls whose async answers are not ready, by the members that run them and by their numbers.
    detached: BTreeMap<(LinkId, u64), Job>,
    /// Members end when nothing is left to do.
    pub(super) closing: bool,
    /// Tasks that wait until nothing is left to do.
    pub(super) idle_wakers: Vec<Waker>,
    /// Set when calls are no longer accepted: the reason.
    pub(super) ended: Option<Ended>,
    pub(super) stats: PoolStats,
    /// Main shows the statistics: changes have to be reported.
    pub(super) watched: bool,
    /// A report is on its way.
    pub(super) reported: bool,
}

#[derive(Default)]
struct Member {
    stage: Stage,
    /// The member is being shut down while the pool goes on.
    leaving: bool,
    /// Wakes the member. Set when it was idle for the first time.
    sleeper: Option<Sleeper>,
}

/// What a member does.
#[derive(Default)]
enum Stage {
    /// The member does something other than a job, or is about to look for one.
    #[default]
    Elsewhere,
    /// The member does nothing, and looks for a job when it is woken.
    Idle,
    /// The member was idle, and its inbox has an item that makes it look for a job.
    Woken,
    HasJob(AssignedJob),
}

/// Members to wake, outside of the lock. One member, which is the usual number, needs no allocation.
#[derive(Default)]
pub(super) struct Sleepers {
    pub(super) first: Option<(LinkId, Sleeper)>,
    pub(super) more: Vec<(LinkId, Sleeper)>,
}

impl Sleepers {
    fn push(&mut self, link: LinkId, sleeper: Sleeper) {
        if self.first.is_none() {
            self.first = Some((link, sleeper));
        } else {
            self.more.push((link, sleeper));
        }
    }
}

/// Why no member is left that could answer a call.
#[derive(Debug, Clone)]
pub(crate) enum Ended {
    /// The last member was disposed or shut down, or is being shut down.
    Disposed,
    /// The last member failed with this message.
    Died(String),
}

impl State {
    /// Returns whether nothing is left to do, and no job can return to the queue.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty()
            && self.at_work == 0
            && self.orphans == 0
            && self.detached.is_empty()
    }

    /// Returns whether the member behind `link` may be assigned jobs. A member that is shut down while the pool goes on
    /// may not, as long as another member stays.
    fn is_assignable(&self, link: LinkId) -> bool {
        let only_leaving = self.members.len() == self.leaving;
        let member = self.members.get(&link);
        member.is_some_and(|member| self.closing || only_leaving || !member.leaving)
    }

    /// Returns whether the member behind `link` has a job, or may still get one.
    pub(super) fn needs(&self, link: LinkId) -> bool {
        self.members.contains_key(&link)
            && if self.closing {
                !self.is_done()
            } else {
                self.is_at_work(link) || (self.is_assignable(link) && !self.waiting.is_empty())
            }
    }

    /// Removes the members to wake from the idle members, and returns what wakes them: one member for each queued job,
    /// less those that are woken already. All of them if they are to end.
    #[inline]
    pub(super) fn take_sleepers(&mut self) -> Sleepers {
        // In a flood of jobs no member is idle.
        if self.idle.is_empty() { Sleepers::default() } else { self.take_idle() }
    }

    fn take_idle(&mut self) -> Sleepers {
        let ends = self.closing && self.is_done();
        let wanted = if ends { usize::MAX } else { self.waiting.len().saturating_sub(self.woken) };
        let mut sleepers = Sleepers::default();
        let mut taken = 0;
        while taken < wanted
            && let Some(link) = self.idle.iter().rfind(|link| self.is_assignable(**link)).copied()
        {
            self.set(link, Stage::Woken);
            let member = self.members.get(&link);
            if let Some(sleeper) = member.and_then(|member| member.sleeper.clone()) {
                sleepers.push(link, sleeper);
                taken += 1;
            }
        }
        sleepers
    }

    /// Sets what a member does, and returns the job that it had.
    fn set(&mut self, link: LinkId, stage: Stage) -> Option<AssignedJob> {
        let member = self.members.get_mut(&link)?;
        match stage {
            Stage::Elsewhere => {}
            Stage::Idle => self.idle.push(link),
            Stage::Woken => self.woken += 1,
            Stage::HasJob(_) => self.at_work += 1,
        }
        let before = std::mem::replace(&mut member.stage, stage);
        self.left(link, before)
    }

    /// Updates the counts for a member that leaves this stage. Returns the job that it had.
    fn left(&mut self, link: LinkId, stage: Stage) -> Option<AssignedJob> {
        match stage {
            Stage::Elsewhere => {}
            Stage::Idle => {
                // Searches from the end, where the member that is woken next is.
                let at = self.idle.iter().rposition(|idle| *idle == link);
                at.map(|at| self.idle.remove(at));
            }
            Stage::Woken => self.woken -= 1,
            Stage::HasJob(assigned) => {
                self.at_work -= 1;
                return Some(assigned);
            }
        }
        None
    }

    pub(super) fn join(&mut self, link: LinkId) {
        self.members.insert(link, Member::default());
    }

    /// Removes a member, and returns the job that it had.
    pub(super) fn remove(&mut self, link: LinkId) -> Option<AssignedJob> {
        let Member { stage, leaving, .. } = self.members.remove(&link)?;
        self.leaving -= usize::from(leaving);
        self.left(link, stage)
    }

    /// Called when the member is shut down while the pool goes on.
    pub(super) fn drain(&mut self, link: LinkId) {
        let Some(member) = self.members.get_mut(&link) else { return };
        self.leaving += usize::from(!member.leaving);
        member.leaving = true;
        // If the member was woken, another one has to look for a job instead.
        self.interrupt(link);
    }

    /// A woken member no longer counts as one that will look for a job. Returns whether the member was idle; if so, it
    /// is idle no longer.
    pub(super) fn busy(&mut self, link: LinkId) -> bool {
        let member = self.members.get(&link);
        let was_idle = member.is_some_and(|member| matches!(member.stage, Stage::Idle));
        if was_idle {
            self.set(link, Stage::Elsewhere);
        } else {
            self.interrupt(link);
        }
        was_idle
    }

    fn interrupt(&mut self, link: LinkId) {
        let member = self.members.get(&link);
        if member.is_some_and(|member| matches!(member.stage, Stage::Woken)) {
            self.set(link, Stage::Elsewhere);
        }
    }

    pub(super) fn job_of(&self, link: LinkId) -> Option<&AssignedJob> {
        match &self.members.get(&link)?.stage {
            Stage::HasJob(assigned) => Some(assigned),
            _ => None,
        }
    }

    /// Returns whether the member has a job, or an async answer that is not ready.
    fn is_at_work(&self, link: LinkId) -> bool {
        self.job_of(link).is_some() || self.detached_by(link).next().is_some()
    }

    /// Returns the calls of a member whose async answers are not ready.
    fn detached_by(&self, link: LinkId) -> impl Iterator<Item = &Job> {
        self.detached.range((link, 0)..=(link, u64::MAX)).map(|(_, job)| job)
    }

    /// Returns whether an item that arrives in the worker's inbox now begins at once: no job has to begin before it.
    pub(super) fn is_free(&self) -> bool {
        let waits = |member: &Member| matches!(&member.stage, Stage::HasJob(job) if !job.begun);
        self.ended.is_none() && self.waiting.is_empty() && !self.members.values().any(waits)
    }

    /// Takes a job back that the member has not begun.
    #[cfg(feature = "process")]
    pub(super) fn take_back(&mut self, link: LinkId) -> Option<Job> {
        self.set(link, Stage::Elsewhere).map(|assigned| assigned.job)
    }

    /// The member begins its job. Returns whether it has one.
    pub(super) fn begin(&mut self, link: LinkId) -> bool {
        let Some(member) = self.members.get_mut(&link) else { return false };
        let Stage::HasJob(assigned) = &mut member.stage else { return false };
        assigned.begun = true;
        true
    }

    /// The member has finished what it did. Returns the job, if it was one.
    pub(super) fn finish(&mut self, link: LinkId) -> Option<AssignedJob> {
        let done = self.set(link, Stage::Elsewhere)?;
        self.stats.done += 1;
        Some(done)
    }

    /// Assigns the next job to a member that has none, and returns it; `None` if there is none for this member. The job
    /// is begun at once if `begins` returns true.
    pub(super) fn take(
        &mut self,
        link: LinkId,
        begins: impl FnOnce() -> bool,
    ) -> Option<(Job, bool)> {
        if !self.is_assignable(link) {
            return None;
        }
        let job = self.waiting.pop_front()?;
        let begun = begins();
        self.set(link, Stage::HasJob(AssignedJob { job: job.clone(), begun }));
        Some((job, begun))
    }

    /// The member has nothing to do. `sleeper` returns what wakes it.
    pub(super) fn rest(&mut self, link: LinkId, sleeper: impl FnOnce() -> Sleeper) {
        let Some(member) = self.members.get_mut(&link) else { return };
        member.sleeper.get_or_insert_with(sleeper);
        self.set(link, Stage::Idle);
    }

    /// The answer of the member's call continues as a future, while the member does other jobs.
    pub(super) fn detach(&mut self, link: LinkId) {
        if let Some(AssignedJob { job, .. }) = self.set(link, Stage::Elsewhere) {
            self.detached.insert((link, job.number), job);
        }
    }

    /// An async answer is ready. Returns its call.
    pub(super) fn finish_detached(&mut self, link: LinkId, number: u64) -> Option<Job> {
        let job = self.detached.remove(&(link, number))?;
        self.stats.done += 1;
        Some(job)
    }

    /// Removes and returns the calls of a member whose async answers are not ready.
    pub(super) fn remove_detached(&mut self, link: LinkId) -> Vec<Job> {
        let numbers: Vec<_> = self.detached_by(link).map(|job| job.number).collect();
        numbers.into_iter().filter_map(|number| self.detached.remove(&(link, number))).collect()
    }

    /// Returns the jobs that the member behind `link` has begun.
    pub(super) fn begun_by(&self, link: LinkId) -> impl Iterator<Item = &Job> {
        let taken = self.job_of(link).filter(|taken| taken.begun).map(|taken| &taken.job);
        taken.into_iter().chain(self.detached_by(link))
    }

    /// Returns all jobs that members have begun.
    pub(super) fn begun(&self) -> impl Iterator<Item = &Job> {
        let taken = self.members.values().filter_map(|member| match &member.stage {
            Stage::HasJob(taken) => Some(&taken.job),
            _ => None,
        });
        taken.chain(self.detached.values())
    }

    /// If nothing is left to do, takes the wakers of the tasks that wait for that.
    #[inline]
    pub(super) fn take_idle_wakers(&mut self) -> Vec<Waker> {
        if self.idle_wakers.is_empty() || !self.is_done() {
            return Vec::new();
        }
        std::mem::take(&mut self.idle_wakers)
    }

    /// Returns whether a report has to be sent now. If so, records that it is on its way.
    pub(super) fn reports(&mut self) -> bool {
        let reports = self.watched && !self.reported;
        self.reported |= reports;
        reports
    }

    pub(super) fn stats(&self) -> PoolStats {
        let at_work = self.at_work + self.detached.len();
        PoolStats { waiting: self.waiting.len(), at_work, ..self.stats }
    }
}
