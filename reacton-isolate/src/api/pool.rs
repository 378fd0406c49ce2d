//! Pools: several workers with one function, and a queue from which each takes a job when it is free.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reacton_core::wiring::OpenScope;
use reacton_core::{FirstPanic, ReactonStore, ReadOnly, WeakStore};

use crate::api::handle::IsolateStore;
use crate::error::ShutdownError;
use crate::hub::{Hub, PoolRoute};
use crate::pool::{Jobs, LostJob, PoolShared, PoolStats};

/// Several workers of one function that share the work: made by [`pool`](crate::IsolateBuilder::pool).
///
/// Each transaction of the main store that writes a shared reacton is a *job*. The first free member receives it, as
/// one transaction, and its observers are called even if the job equals the previous one. Main treats what a member
/// writes as a write of its own: it applies every transaction, in the order of arrival, whatever the other members
/// write. Members do not receive what other members write. To send values to all members, such as settings, list them
/// in [`for_all`](crate::IsolateBuilder::for_all).
///
/// So the jobs of a pool must be independent of each other. A result that equals the previous one calls no observer:
/// make the job's key a part of the result, or declare the result with `eq = never`.
///
/// Dropping it disposes all members.
///
/// # Examples
/// ```
/// # use reacton_core::ReactonStore;
/// # use reacton_isolate::{IsolateStore, SharedSlot};
/// # use std::time::Duration;
/// # type Reacton<T> = reacton_core::Reacton<T>;
/// # static NUMBER: Reacton<u64> = Reacton::<u64>::__new("doc::NUMBER", || 0);
/// # static SQUARE: Reacton<(u64, u64)> = Reacton::<(u64, u64)>::__new("doc::SQUARE", || (0, 0));
/// # let store = ReactonStore::new();
/// # let shared = [SharedSlot::of(&NUMBER), SharedSlot::of(&SQUARE)];
/// let squares = store.reacton(Vec::new());
/// store.subscribe(&SQUARE, move |store, square| store.update(&squares, |all| all.push(*square)));
/// let pool = IsolateStore::builder().shared(shared).pool(4).spawn(&store, |store: &ReactonStore| {
///     store.subscribe(&NUMBER, |store, n| store.set(&SQUARE, (*n, n * n)));
/// })?;
/// for n in 1..=100 {
///     store.set(&NUMBER, n);
/// }
/// pool.shutdown(Duration::from_secs(10))?;
/// assert_eq!(store.with(&squares, Vec::len), 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "its members are disposed when it is dropped: bind it to a name, or `detach()` it"]
pub struct Pool {
    pub(super) store: WeakStore,
    pub(super) shared: Rc<PoolShared>,
    pub(super) members: Vec<IsolateStore>,
    pub(super) detached: bool,
    /// The scope that ends the pool at the latest.
    pub(super) scope: Option<OpenScope>,
}

impl Pool {
    pub(crate) fn new(store: &ReactonStore, shared: Rc<PoolShared>) -> Self {
        let store = store.downgrade();
        Self { store, shared, members: Vec::new(), detached: false, scope: None }
    }

    pub(super) fn main_store(&self) -> Option<ReactonStore> {
        self.store.upgrade()
    }

    pub(super) fn jobs(&self) -> &Arc<Jobs> {
        &self.shared.jobs
    }

    pub(crate) fn admit(&mut self, member: IsolateStore) {
        self.members.push(member);
    }

    /// The isolates of the members, each with its own status. Pausing or disposing a member affects only this member.
    ///
    /// Nothing that a disposed member sent is applied afterwards. If it has done a job and main has not applied the
    /// result yet, the result is dropped, but the job counts as [done](PoolStats::done). To lose nothing, shut the
    /// member down.
    ///
    /// A member that is shut down alone receives no more jobs, unless no other member is left for the queued ones. Once
    /// `is_disposed` has returned `true` in the member, it receives none at all: jobs for which no member is left are
    /// [lost](Self::lost_jobs).
    pub fn members(&self) -> &[IsolateStore] {
        &self.members
    }

    /// The current numbers of jobs: how many were written, done, repeated and lost, and how many are queued or running.
    /// [`progress`](Self::progress) is a reacton of them.
    pub fn stats(&self) -> PoolStats {
        self.shared.jobs.stats()
    }

    /// The same numbers as [`stats`](Self::stats), as a reacton of the main store: a computed or an effect that reads it runs
    /// again when they have changed.
    ///
    /// It changes in turns of the main store, at most once per turn: after a job was written, begun, done or lost, even
    /// if the job wrote nothing. It costs nothing before the first call of this method, and returns zeros after the
    /// pool was dropped.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{IsolateStore, SharedSlot};
    /// # use std::time::Duration;
    /// # type Reacton<T> = reacton_core::Reacton<T>;
    /// # static PAGE: Reacton<u64> = Reacton::<u64>::__new("doc::PAGE", || 0);
    /// # let store = ReactonStore::new();
    /// # let shared = [SharedSlot::of(&PAGE)];
    /// let pool = IsolateStore::builder().shared(shared).pool(2).spawn(&store, |store: &ReactonStore| {
    ///     store.subscribe(&PAGE, |_, _| { /* prints the page */ });
    /// })?;
    /// let progress = *pool.progress();
    /// let percent = store.computed(move |cx| {
    ///     let jobs = cx.get(&progress);
    ///     (100 * jobs.done).checked_div(jobs.given).unwrap_or(0)
    /// });
    /// (1..=10).for_each(|page| store.set(&PAGE, page));
    /// store.run_until(Duration::from_secs(10), |store| store.get(&percent) == 100)?;
    /// assert_eq!(store.get(&progress).given, 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn progress(&self) -> &ReadOnly<PoolStats> {
        self.shared.progress(self.store.upgrade())
    }

    /// The last lost job, as a reacton of the main store. A job is lost if it caused a panic and may not be repeated,
    /// if no member is left, or if it is longer than the host of its member allows. If several jobs are lost in one transaction, this is the last one;
    /// [`lost_jobs`](Self::lost_jobs) holds all of them.
    pub fn lost_job(&self) -> &ReadOnly<Option<LostJob>> {
        self.shared.lost()
    }

    /// All jobs that were lost since the last call of [`take_lost_jobs`](Self::take_lost_jobs), in order, as a reacton
    /// of the main store.
    ///
    /// The list keeps each job with its values, until the list is taken or the pool is dropped.
    pub fn lost_jobs(&self) -> &ReadOnly<Vec<LostJob>> {
        self.shared.all_lost()
    }

    /// Empties the list of [`lost_jobs`](Self::lost_jobs) and returns what was in it. [`lost_job`](Self::lost_job) keeps
    /// its value.
    pub fn take_lost_jobs(&self) -> Vec<LostJob> {
        let store = self.store.upgrade();
        store.map(|store| self.shared.take_lost(&store)).unwrap_or_default()
    }

    /// Ends all members at once. Idempotent, never blocks. Queued and running jobs are dropped.
    pub fn dispose(&self) {
        let mut panics = FirstPanic::default();
        panics.guard(|| self.shared.dispose());
        for member in &self.members {
            panics.guard(|| member.dispose());
        }
        panics.resume();
    }

    /// Ends the pool without losing anything: the members do all jobs that were written before, the main store applies
    /// everything that they wrote, and the threads are joined. A job that causes a panic meanwhile is repeated or
    /// [lost](Self::lost_job), as at any other time.
    ///
    /// # Errors
    /// As [`IsolateStore::shutdown`], for the first member that does not finish or failed. If the timeout passes, the
    /// others are detached with it.
    ///
    /// # Panics
    /// As [`IsolateStore::shutdown`] does.
    pub fn shutdown(mut self, timeout: Duration) -> Result<(), ShutdownError> {
        let mut panics = FirstPanic::default();
        let result = panics.guard(|| self.try_shutdown(timeout));
        // Also if an observer of main panicked meanwhile: then the members end by themselves.
        if !matches!(result, Some(Ok(()) | Err(ShutdownError::Failed { .. }))) {
            self.detach_all();
        }
        panics.resume();
        result.unwrap_or(Ok(()))
    }

    /// As [`shutdown`](Self::shutdown), but keeps the pool. If it did not end in time, call it again, or
    /// [`dispose`](Self::dispose).
    ///
    /// # Errors
    /// As [`shutdown`](Self::shutdown), but nothing is detached.
    ///
    /// # Panics
    /// As [`shutdown`](Self::shutdown) does.
    pub fn try_shutdown(&self, timeout: Duration) -> Result<(), ShutdownError> {
        let now = || self.members.first().map_or_else(Instant::now, IsolateStore::now);
        let begin = now();
        self.begin_shutdown()?;
        let mut result = Ok(());
        for member in &self.members {
            let ended = member.try_shutdown(timeout.saturating_sub(now() - begin));
            match ended {
                Err(ShutdownError::TimedOut { worker, queued, unfinished, .. }) => {
                    return Err(ShutdownError::TimedOut { worker, timeout, queued, unfinished });
                }
                ended => result = result.and(ended),
            }
        }
        result
    }

    /// As [`shutdown`](Self::shutdown), but waits without blocking the thread, and for as long as it takes.
    ///
    /// Polling it takes turns of the main store. Nothing happens before the first poll. Dropping it disposes the
    /// members, so you can limit the wait with the timeout of any executor.
    ///
    /// # Errors
    /// For the first member that failed. If it is first polled inside a batch, a computed or an observer; then the
    /// members go on.
    ///
    /// # Panics
    /// As [`IsolateStore::shutdown`] does.
    #[must_use = "the members are disposed when this is dropped: await it"]
    pub async fn shutdown_async(mut self) -> Result<(), ShutdownError> {
        if let Err(nested) = self.begin_shutdown() {
            self.detach_all();
            return Err(nested);
        }
        let mut result = Ok(());
        for member in &self.members {
            result = result.and(member.ended().await);
        }
        result
    }

    /// Tells all members to end, before waiting for any of them.
    fn begin_shutdown(&self) -> Result<(), ShutdownError> {
        for member in &self.members {
            member.refuse_nested()?;
        }
        self.shared.close();
        for member in &self.members {
            member.send_drain();
        }
        Ok(())
    }

    /// Drops the handle without ending the members. They live until the main store ends.
    pub fn detach(mut self) {
        self.detach_all();
    }

    fn detach_all(&mut self) {
        self.detached = true;
        self.shared.detach();
        for member in self.members.drain(..) {
            member.detach();
        }
        // The members may have ended already.
        if let Some(store) = self.store.upgrade()
            && let Some(hub) = Hub::find(&store)
        {
            self.shared.dismiss_if_over(&store, &hub);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("members", &self.members)
            .field("jobs", &self.shared.jobs)
            .finish_non_exhaustive()
    }
}
