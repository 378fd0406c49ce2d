//! Pools: several workers of one function, and a queue of jobs that each takes from when it is free.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reacton_core::{FirstPanic, ReactonStore, ReadOnly, WeakStore};

use crate::api::handle::IsolateStore;
use crate::error::ShutdownError;
use crate::hub::{Hub, PoolRoute};
use crate::pool::{Jobs, LostJob, PoolShared, PoolStats};

/// Several workers of one function that share the work: made by [`pool`](crate::IsolateBuilder::pool).
///
/// Each transaction of the main store that writes to a shared reacton is a *job*: it is taken in by one member, the
/// first that has nothing else to do, as one transaction, and its observers are told even if it equals the one before.
/// What a member writes arrives in main as though main had written it: every transaction, in the order of its
/// arrival, whatever the others write meanwhile. Members do not hear each other. What all of them have to know, such
/// as settings, is named by [`for_all`](crate::IsolateBuilder::for_all).
///
/// So a pool is for jobs that have nothing to do with each other. As everywhere, a value that equals the one before
/// tells nobody: put the job's key into its result, or declare the result with `eq = never`.
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
    store: WeakStore,
    shared: Rc<PoolShared>,
    members: Vec<IsolateStore>,
    detached: bool,
}

impl Pool {
    pub(crate) fn new(store: &ReactonStore, shared: Rc<PoolShared>) -> Self {
        Self { store: store.downgrade(), shared, members: Vec::new(), detached: false }
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

    /// The members, to see how each is doing. Pausing or disposing one concerns that one only.
    ///
    /// Nothing that a disposed member sent is taken in afterwards: the result of a job that it has done is dropped if main
    /// has not taken it in, and the job counts as [done](PoolStats::done). To lose nothing, shut the member down.
    ///
    /// A member that is shut down by itself gets no more jobs, unless no other member is left to do what waits. Once its
    /// function was told that it is over, it gets none in any case: jobs for which no member is left are
    /// [lost](Self::lost_jobs).
    pub fn members(&self) -> &[IsolateStore] {
        &self.members
    }

    /// What has become of the jobs so far, and how many wait: the numbers of this moment.
    /// [`progress`](Self::progress) is a reacton of them.
    pub fn stats(&self) -> PoolStats {
        self.shared.jobs.stats()
    }

    /// The same numbers as [`stats`](Self::stats), as a reacton of the main store: a computed or an effect that reads it runs
    /// again when they have changed.
    ///
    /// It changes in turns of the main store: in the next turn after a job was written, begun, done or lost, whether or not
    /// the job wrote anything. What changes between two turns shows as one change. It costs nothing before it is asked
    /// for, and reads as zeros after the pool was dropped.
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

    /// The last job that died with its worker and was not given to another, or that no worker was left to do: a reacton
    /// of the main store. Of several that are lost in one transaction it shows the last one:
    /// [`lost_jobs`](Self::lost_jobs) has all of them.
    pub fn lost_job(&self) -> &ReadOnly<Option<LostJob>> {
        self.shared.lost()
    }

    /// All jobs that were lost, in the order in which they were, since [`take_lost_jobs`](Self::take_lost_jobs) was last
    /// called: a reacton of the main store.
    ///
    /// Several jobs that are lost in one transaction are all in it. A job is kept, with its values, until the list is
    /// taken or the pool is dropped.
    pub fn lost_jobs(&self) -> &ReadOnly<Vec<LostJob>> {
        self.shared.all_lost()
    }

    /// Empties the list of [`lost_jobs`](Self::lost_jobs) and returns what was in it. [`lost_job`](Self::lost_job) keeps
    /// its value.
    pub fn take_lost_jobs(&self) -> Vec<LostJob> {
        let store = self.store.upgrade();
        store.map(|store| self.shared.take_lost(&store)).unwrap_or_default()
    }

    /// Ends all members at once; idempotent, never blocks. Jobs that wait or are being done are dropped.
    pub fn dispose(&self) {
        let mut panics = FirstPanic::default();
        panics.guard(|| self.shared.dispose());
        for member in &self.members {
            panics.guard(|| member.dispose());
        }
        panics.resume();
    }

    /// Ends the pool and loses nothing: the members do all jobs that were written before, all that they wrote in answer
    /// is taken in here, and the threads are joined. A job whose worker dies meanwhile is given again, or shown as
    /// [lost](Self::lost_job), as at any time.
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
        // Also if an observer of main panicked meanwhile: then the members go on to their ends by themselves.
        if !matches!(result, Some(Ok(()) | Err(ShutdownError::Failed { .. }))) {
            self.detach_all();
        }
        panics.resume();
        result.unwrap_or(Ok(()))
    }

    /// As [`shutdown`](Self::shutdown), but keeps the pool: what did not finish in time can be waited for again, or
    /// [`dispose`](Self::dispose)d.
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
    /// Polling it takes turns of the main store. Nothing happens before it is polled first. Dropping it disposes the
    /// members, so that the timeout of any executor can be put around it.
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

    /// Tells all members at once to end; then it does not matter who is waited for first.
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

    /// Lets the members live on until the main store ends.
    pub fn detach(mut self) {
        self.detach_all();
    }

    fn detach_all(&mut self) {
        self.detached = true;
        self.shared.detach();
        for member in self.members.drain(..) {
            member.detach();
        }
        // They may have ended already.
        if let Some(store) = self.store.upgrade()
            && let Some(hub) = Hub::find(&store)
        {
            self.shared.dismiss_if_over(&store, &hub);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        if let Some(store) = self.store.upgrade() {
            let mut panics = FirstPanic::default();
            // One batch: an observer of a status is called after all of this.
            let mut within = FirstPanic::default();
            panics.guard(|| {
                store.batch(|store| {
                    within.guard(|| self.dispose());
                    for member in self.members.drain(..) {
                        within.guard(|| drop(member));
                    }
                    if let Some(hub) = Hub::find(store) {
                        within.guard(|| self.shared.dismiss(store, &hub));
                    }
                });
            });
            panics.guard(|| within.resume());
            panics.resume();
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
