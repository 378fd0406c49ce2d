//! Main's side of a pool. Determines which writes are jobs, which go to all members, and what becomes of a job whose
//! worker has ended.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, ReactonStore, ReadOnly, Readable, RefId, RefMap, StoreSnapshot};

use super::jobs::{AssignedJob, Callee, Ended, Job, Jobs, PoolStats, Work};
use super::log::{Event, Log};
use crate::hub::progress::Progress;
use crate::hub::{ArrivalPolicy, Hub, PoolRoute};
use crate::shared::{SharedSet, SharedSlot};
use crate::wire::change::ChangeList;
use crate::wire::message::CloseReason;

/// A job that caused a panic and may not be repeated any more: [`Pool::lost_job`](crate::Pool::lost_job).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LostJob {
    /// The number of the job in its pool: from 1, in the order in which the jobs were written.
    pub number: u64,
    /// How many workers panicked on the job after they had begun it. 0 if no worker was left to do it.
    pub deaths: u32,
    /// The message of the panic or of the error.
    pub message: String,
    values: StoreSnapshot,
}

impl LostJob {
    /// Returns the value of `reacton` in the job; `None` if the job did not write it.
    pub fn get<R: Readable>(&self, reacton: &R) -> Option<&R::Value> {
        self.values.get(reacton)
    }
}

impl PartialEq for LostJob {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// A job that is lost and has not been shown yet.
pub(crate) struct Lost {
    job: Job,
    message: String,
}

/// What all members of one pool share, in main.
pub(crate) struct PoolShared {
    pub(crate) jobs: Arc<Jobs>,
    slots: RefMap<SharedSlot>,
    /// The reactons that are sent to all members and are not part of jobs.
    for_all: Rc<BTreeSet<RefId>>,
    /// Members that have not ended for good.
    members: Cell<usize>,
    /// Set when main's writes are no longer jobs.
    closing: Cell<bool>,
    /// Set when the jobs are dropped and not reported as lost.
    disposed: Cell<bool>,
    /// No `Pool` handle is left: the pool ends with its last member.
    detached: Cell<bool>,
    /// The job that was lost last.
    lost: ReadOnly<Option<LostJob>>,
    /// All lost jobs, until the program takes them.
    all_lost: ReadOnly<Vec<LostJob>>,
    progress: Progress<PoolStats>,
    /// The name of the worker.
    worker: String,
}

impl PoolShared {
    pub(crate) fn new(
        store: &ReactonStore,
        members: usize,
        shared: &SharedSet,
        for_all: &SharedSet,
        callee: Callee,
    ) -> Self {
        Self {
            worker: callee.worker.to_string(),
            jobs: Arc::new(Jobs::new(Wiring::of(store).inbox().weak_mailbox(), callee)),
            slots: shared.by_id(),
            for_all: Rc::new(for_all.refs().map(|rref| rref.id()).collect()),
            members: Cell::new(members),
            closing: Cell::new(false),
            disposed: Cell::new(false),
            detached: Cell::new(false),
            lost: Wiring::of(store).read_only(None, || None),
            all_lost: Wiring::of(store).read_only(Vec::new(), Vec::new),
            progress: Progress::default(),
        }
    }

    pub(crate) fn lost(&self) -> &ReadOnly<Option<LostJob>> {
        &self.lost
    }

    pub(crate) fn all_lost(&self) -> &ReadOnly<Vec<LostJob>> {
        &self.all_lost
    }

    /// Returns the reacton of the statistics. Creates it in `store`, the main store, if a store is passed.
    pub(crate) fn progress(&self, store: Option<ReactonStore>) -> &ReadOnly<PoolStats> {
        self.progress.of(store, || self.jobs.watch())
    }

    /// Updates the reacton of the statistics.
    pub(crate) fn show_progress(&self, store: &ReactonStore) {
        self.progress.show(store, || self.jobs.take_report());
    }

    /// Empties the list of lost jobs, and returns them.
    pub(crate) fn take_lost(&self, store: &ReactonStore) -> Vec<LostJob> {
        Wiring::of(store).edit(self.all_lost, std::mem::take)
    }

    /// Returns the policy of its members' links.
    pub(crate) fn arrival_policy(&self) -> ArrivalPolicy {
        ArrivalPolicy::Restamp { pool: self.jobs.number(), for_all: Rc::clone(&self.for_all) }
    }

    /// Drops the queued jobs. What the members are doing is ignored from now on.
    pub(crate) fn dispose(&self) {
        self.disposed.set(true);
        self.closing.set(true);
        self.jobs.end(&Ended::Disposed);
        let dropped = self.jobs.abandon();
        drop(dropped);
    }

    pub(crate) fn detach(&self) {
        self.detached.set(true);
    }

    /// Returns whether no member and no handle is left.
    fn is_over(&self) -> bool {
        self.members.get() == 0 && self.detached.get()
    }

    /// Returns whether its jobs are dropped.
    pub(crate) fn is_disposed(&self) -> bool {
        self.disposed.get()
    }

    /// Returns whether it has a member that has not ended for good.
    pub(crate) fn has_members(&self) -> bool {
        self.members.get() > 0
    }

    /// Called when a member has ended for good. If it was the last one, `ended` is the reason why calls are not
    /// answered.
    pub(crate) fn lose_member(&self, ended: &Ended) {
        self.members.set(self.members.get().saturating_sub(1));
        if self.members.get() == 0 {
            self.jobs.end(ended);
        }
    }

    /// Removes the pool from the store.
    pub(crate) fn dismiss(&self, store: &ReactonStore, hub: &Hub) {
        hub.remove_pool(store, self.jobs.number());
        self.end(store);
    }

    /// Removes the pool if it has no handle and its last member has ended.
    pub(crate) fn dismiss_if_over(&self, store: &ReactonStore, hub: &Hub) {
        if self.is_over() {
            self.dismiss(store, hub);
        }
    }

    fn end(&self, store: &ReactonStore) {
        // One batch: observers of the progress are called after all of this.
        store.batch(|store| {
            self.show_progress(store);
            self.progress.end(store);
            Wiring::of(store).end(self.lost);
            Wiring::of(store).end(self.all_lost);
        });
    }

    /// Called when a member has ended that had this job. Queues the job again and returns `None`, or returns it as
    /// lost; then the caller has to show it.
    pub(crate) fn recover(
        &self,
        assigned: AssignedJob,
        reason: &CloseReason,
        log: &mut Log,
    ) -> Option<Lost> {
        let AssignedJob { mut job, begun } = assigned;
        if self.disposed.get() {
            self.jobs.give_up();
            return None;
        }
        let (message, died) = match reason.failure() {
            Some((message, _)) => (message, true),
            None => ("its worker was disposed", false),
        };
        // The job counts the panic, though its cause may be something else.
        job.deaths += u32::from(begun && died);
        if !begun || (died && job.deaths <= self.jobs.callee().retries) {
            let event = Event::JobGivenAgain { job: job.number, deaths: job.deaths };
            log.add(&self.worker, event);
            self.jobs.push_again(job, begun);
            None
        } else {
            self.jobs.give_up();
            Some(self.lose(job, message.to_owned(), log))
        }
    }

    /// If no member is left, takes the queued jobs and returns them as lost; the caller has to show them.
    pub(crate) fn abandon_if_alone(&self, log: &mut Log) -> Vec<Lost> {
        if self.members.get() > 0 {
            return Vec::new();
        }
        let message = "no worker of the pool is left";
        let jobs = self.jobs.abandon().into_iter();
        jobs.map(|job| self.lose(job, message.to_owned(), log)).collect()
    }

    fn lose(&self, job: Job, message: String, log: &mut Log) -> Lost {
        let event = Event::JobLost { job: job.number, reason: message.clone() };
        log.add(&self.worker, event);
        self.jobs.note_lost();
        Lost { job, message }
    }

    /// Called for a job that was given up because a value in it is longer than the road to its worker takes. The job is
    /// lost, and the members report the value as one that does not encode.
    #[cfg(feature = "process")]
    pub(super) fn lose_too_long(&self, store: &ReactonStore, job: Job, max_value: u64) {
        self.jobs.give_up();
        let Work::Changes { changes, .. } = &job.work else { return };
        let too_long = changes.iter().find_map(|change| {
            let slot = self.slots.get(&change.id)?;
            slot.check_len(change.payload.longest_part(), max_value).err()
        });
        let Some(error) = too_long.filter(|_| !self.disposed.get()) else { return };
        let (mut panics, mut log) = (FirstPanic::default(), Log::default());
        let message = format!("it cannot be sent to `{}`: {error}", self.worker);
        let lost = self.lose(job, message, &mut log);
        log.emit(&mut panics);
        panics.guard(|| Hub::of(store).report_to_members(store, self.jobs.number(), &error));
        let lost = self.unpack(lost, &mut panics);
        panics.guard(|| self.show_lost(store, lost));
        panics.resume();
    }

    /// Decodes the values of a lost job.
    pub(crate) fn unpack(&self, lost: Lost, panics: &mut FirstPanic) -> LostJob {
        let Lost { job, message } = lost;
        let Job { number, deaths, work } = job;
        let changes = match work {
            Work::Changes { changes, .. } => changes,
            // The caller gets the error of a lost call.
            Work::Call(_) => ChangeList::NONE,
        };
        // The values belong to no store, so they are installed in a new one.
        let scratch = ReactonStore::new();
        for change in changes.iter() {
            let Some(slot) = self.slots.get(&change.id) else { continue };
            // A value that cannot be decoded is not in the job that is shown.
            let _ = slot.install(Wiring::of(&scratch), &change.payload, false, panics);
        }
        let values = scratch.snapshot();
        panics.guard(|| drop((scratch, changes)));
        LostJob { number, deaths, message, values }
    }

    /// Shows a lost job. This calls observers, so everything else has to be done before.
    pub(crate) fn show_lost(&self, store: &ReactonStore, lost: LostJob) {
        store.batch(|store| {
            let wiring = Wiring::of(store);
            wiring.edit(self.all_lost, |all| all.push(lost.clone()));
            wiring.write(self.lost, Some(lost));
        });
    }
}

impl PoolRoute for PoolShared {
    fn number(&self) -> u64 {
        self.jobs.number()
    }

    fn ids(&self) -> Vec<RefId> {
        self.slots.keys().copied().collect()
    }

    fn is_for_all(&self, id: RefId) -> bool {
        self.for_all.contains(&id)
    }

    fn slot(&self, id: RefId) -> Option<SharedSlot> {
        self.slots.get(&id).copied()
    }

    fn job_slot(&self, id: RefId) -> Option<&SharedSlot> {
        self.slots.get(&id).filter(|_| !self.closing.get() && !self.is_for_all(id))
    }

    fn max_value(&self) -> u64 {
        self.jobs.max_value()
    }

    fn enqueue(&self, store: &ReactonStore, clock: u64, mut changes: ChangeList) {
        // Values equal to the previous ones are announced, too: the member's observers are called for each job.
        changes.announce();
        self.jobs.push(clock, changes);
        if self.members.get() > 0 {
            return;
        }
        let mut panics = FirstPanic::default();
        let mut log = Log::default();
        let abandoned = self.abandon_if_alone(&mut log);
        log.emit(&mut panics);
        for lost in abandoned {
            let lost = self.unpack(lost, &mut panics);
            panics.guard(|| self.show_lost(store, lost));
        }
        panics.resume();
    }

    fn close(&self) {
        if !self.closing.replace(true) {
            self.jobs.refuse_calls();
            self.jobs.close();
        }
    }
}

impl fmt::Debug for PoolShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolShared").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
