//! Isolates: the main side's handle to a worker with a store of its own.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use reacton_core::wiring::{OpenScope, Wiring};
use reacton_core::{Pausable, ReactonStore, ReadOnly, RunError, Turn, WeakStore};

use crate::api::begin::Spawning;
use crate::api::builder::IsolateBuilder;
use crate::error::{LinkError, ShutdownError, SpawnError, Unfinished};
use crate::host::Running;
use crate::hub::{Hub, Owner};
use crate::isolate::status::IsolateStatus;
use crate::isolate::supervise::Isolate;
use crate::link::LinkStats;
use crate::shared::SharedSet;
use crate::worker::outcome::Outcome;

/// The handle of a worker and its store, for the store that spawned it.
///
/// Dropping the handle disposes the isolate: keep it as long as the worker must live, [`detach`](Self::detach) it, or spawn the
/// isolate in a [`scope`](ReactonStore::scope), which keeps a handle that is dropped in its closure.
///
/// # Tracing
///
/// The library prints nothing. It logs to [`tracing`](https://docs.rs/tracing). Without a subscriber each event costs
/// one atomic load.
///
/// | level | what | fields |
/// |---|---|---|
/// | info | span `worker`: around all that a worker does, on its thread; a child of the span of the spawn | `name` |
/// | warn | a worker has failed; a worker panicked and another follows; a job of a pool is lost; a value could not be sent | `worker` and why: `reason`, `location`, `attempt`, `wait`, `error`, `job` |
/// | debug | a worker starts; the handshake is complete; a worker was started again; disposed; a worker has ended; a job is given again | `worker`, `shared`, `job` |
/// | trace | span `turn`: around everything that a store applies in one turn | `waiting`, `taken` |
/// | trace | span `transaction`: around one transaction that has arrived over a link, and its observers; event: sent | `worker`, `reactons` |
#[must_use = "the isolate is disposed when its handle is dropped: bind it to a name (`let _ = ..` drops it at once), or `detach()` it"]
pub struct IsolateStore {
    pub(super) store: WeakStore,
    pub(crate) isolate: Rc<Isolate>,
    pub(super) detached: bool,
    /// The scope that ends the isolate at the latest.
    pub(super) scope: Option<OpenScope>,
}

impl IsolateStore {
    pub(crate) fn new(store: &ReactonStore, isolate: Rc<Isolate>) -> Self {
        Self { store: store.downgrade(), isolate, detached: false, scope: None }
    }

    pub(super) fn main_store(&self) -> Option<ReactonStore> {
        self.store.upgrade()
    }

    pub(super) fn isolate(&self) -> &Rc<Isolate> {
        &self.isolate
    }

    /// Adds the worker, which has answered the handshake.
    pub(crate) fn with_running(self, running: Box<dyn Running>) -> Self {
        self.isolate.add_running(running);
        self
    }

    /// Starts `entry` on a thread of its own, with a store of its own that shares the reactons of `shared` with `store`.
    ///
    /// Returns after the handshake. Then the worker's store holds the values that were committed at the time of the
    /// call, and receives all later writes. After `entry` has returned, the worker takes turns until it is disposed or
    /// shut down, and the subscriptions that `entry` made are called.
    ///
    /// # Errors
    /// If the thread cannot be started, if the worker ends or does not answer before the handshake is complete, or if a
    /// shared value does not encode. Then no thread is left.
    ///
    /// # Panics
    /// If another reacton in `store` has the id of a shared one.
    pub fn spawn<O: Outcome>(
        store: &ReactonStore,
        shared: impl Into<SharedSet>,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Result<Self, SpawnError> {
        Self::builder().shared(shared).spawn(store, entry)
    }

    /// As [`spawn`](Self::spawn), but waits for the handshake without blocking the thread.
    ///
    /// The thread is started by the call, and takes over the values of that moment; the entry is called once this is
    /// awaited. Dropping the future disposes the isolate.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn) does.
    pub fn spawn_async<O: Outcome>(
        store: &ReactonStore,
        shared: impl Into<SharedSet>,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Spawning {
        Self::builder().shared(shared).spawn_async(store, entry)
    }

    /// Options for an isolate.
    pub fn builder() -> IsolateBuilder {
        IsolateBuilder::default()
    }

    /// The name of the worker and of its thread.
    pub fn name(&self) -> &str {
        self.isolate.name()
    }

    /// The status of the isolate. It is a reacton of the main store: read it, subscribe to it, or use it in computeds
    /// and effects.
    pub fn status(&self) -> &ReadOnly<IsolateStatus> {
        &self.isolate.status_reactons().status
    }

    /// The error of the last value that could not be sent, in either direction. It is a reacton of the main store.
    pub fn last_error(&self) -> &ReadOnly<Option<LinkError>> {
        &self.isolate.status_reactons().last_error
    }

    /// How the process of the worker ended, if it runs in a process. After a restart this is still the end of the
    /// previous process. `None` while the first process runs. It is known before the status changes.
    #[cfg(feature = "process")]
    pub fn exit(&self) -> Option<crate::process::Exit> {
        self.isolate.host().exit()
    }

    /// Stops applying the changes that the worker makes to `reacton`, at once, even those that are queued. The worker
    /// receives a message and stops sending them. So does a restarted worker.
    pub fn pause(&self, reacton: &impl Pausable) {
        self.set_subscribed(reacton, false);
    }

    /// Applies the changes that the worker makes to `reacton` again, beginning with the newest value that was missed.
    pub fn resume(&self, reacton: &impl Pausable) {
        self.set_subscribed(reacton, true);
    }

    fn set_subscribed(&self, reacton: &impl Pausable, subscribed: bool) {
        let Some((store, hub)) = self.hub() else { return };
        if let Some(id) = reacton.__shared_id(&store) {
            self.isolate.remember_subscribed(id, subscribed);
            hub.set_subscribed(&store, self.isolate.link(), id, subscribed);
        }
    }

    /// The numbers of messages that were sent and received so far, and that are queued on either side. After the end of
    /// the isolate the numbers stay the same.
    pub fn stats(&self) -> LinkStats {
        self.isolate.link_stats(self.hub().map(|(_, hub)| hub).as_deref())
    }

    /// The same numbers as [`stats`](Self::stats), as a reacton of the main store: a computed or an effect that reads it runs
    /// again when they have changed.
    ///
    /// It changes in turns of the main store, at most once per turn: after a message was sent or received, after the
    /// worker has applied messages, or after a restart. It costs nothing before the first call of this method. It keeps
    /// its last value after the worker has ended, and returns zeros after this handle was dropped.
    ///
    /// If an observer of it writes a reacton that this worker shares, it changes again.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{IsolateStore, SharedSlot};
    /// # use std::time::{Duration, Instant};
    /// # type Reacton<T> = reacton_core::Reacton<T>;
    /// # static LINE: Reacton<u64> = Reacton::<u64>::__new("doc::LINE", || 0);
    /// # let store = ReactonStore::new();
    /// # let shared = [SharedSlot::of(&LINE)];
    /// let worker = IsolateStore::spawn(&store, shared, |store| {
    ///     store.subscribe(&LINE, |_, _| { /* writes the line to a file */ });
    /// })?;
    /// let progress = *worker.progress();
    /// let is_busy = store.computed(move |cx| cx.get(&progress).queued > 0);
    /// (1..=10).for_each(|line| store.set(&LINE, line));
    /// store.run_until(Duration::from_secs(10), |store| store.get(&progress).transactions_sent == 10)?;
    /// store.run_until(Duration::from_secs(10), |store| !store.get(&is_busy))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn progress(&self) -> &ReadOnly<LinkStats> {
        let hub = self.hub().map(|(_, hub)| hub);
        self.isolate.progress(self.store.upgrade(), hub.as_deref())
    }

    /// Ends the isolate at once. Idempotent, never blocks. Nothing that it sent is applied afterwards. A worker in the
    /// middle of a callback ends after the callback; long work can call `store.is_disposed()` to end sooner. A worker
    /// that waits for a restart is not restarted.
    pub fn dispose(&self) {
        if let Some((store, hub)) = self.hub() {
            self.isolate.dispose(&store, &hub);
        }
    }

    /// Ends the isolate without losing anything: the worker applies everything that was written before, its own
    /// isolates are drained, this store applies everything that the worker wrote, and the thread is joined. If the
    /// worker panics meanwhile, it is restarted if its policy allows, and the new worker applies the rest.
    ///
    /// The worker ends when it asks for another turn and nothing is left to apply. An async worker asks by awaiting
    /// another turn or change. Work that the worker has started with [`run`](crate::run) must end first.
    ///
    /// # Errors
    /// `TimedOut` if the worker does not end in time. Then it is detached and ends later, and what it sends still
    /// arrives. `Failed` if the worker failed. `Nested`, at once, inside a batch, a computed or an observer; then the
    /// worker keeps running, detached. To keep the handle in these cases, use [`try_shutdown`](Self::try_shutdown).
    ///
    /// # Panics
    /// If an observer of the main store panics, as [`pump`](ReactonStore::pump) does; then the worker is detached.
    pub fn shutdown(mut self, timeout: Duration) -> Result<(), ShutdownError> {
        // Set before waiting: if an observer of main panics meanwhile, the worker still ends by itself and loses
        // nothing.
        self.detached = true;
        let result = self.try_shutdown(timeout);
        self.detached =
            matches!(result, Err(ShutdownError::TimedOut { .. } | ShutdownError::Nested { .. }));
        result
    }

    /// As [`shutdown`](Self::shutdown), but keeps the handle. If the worker did not end in time, call it again, or
    /// [`dispose`](Self::dispose). Writes after the first call are not sent to the worker.
    ///
    /// # Errors
    /// As [`shutdown`](Self::shutdown), but nothing is detached.
    ///
    /// # Panics
    /// As [`shutdown`](Self::shutdown) does.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{IsolateStore, SharedSet};
    /// # use std::time::{Duration, Instant};
    /// # let store = ReactonStore::new();
    /// let worker = IsolateStore::spawn(&store, SharedSet::from([]), |_| ())?;
    /// if worker.try_shutdown(Duration::from_secs(1)).is_err() {
    ///     worker.dispose(); // it had its chance
    /// }
    /// # Ok::<(), reacton_isolate::SpawnError>(())
    /// ```
    pub fn try_shutdown(&self, timeout: Duration) -> Result<(), ShutdownError> {
        let begin = self.now();
        let store = self.store.upgrade();
        self.refuse_nested()?;
        self.send_drain();
        let drained = self.hub().is_none_or(|(store, hub)| {
            let drained = store.run_until(timeout, |_| self.isolate.is_gone(&hub));
            // If the store itself has ended meanwhile, it has told the worker.
            matches!(drained, Ok(()) | Err(RunError::Disconnected))
        });
        // The thread of a worker that was disposed, or whose store is gone, may run for any time.
        let left = if self.is_cut_off(store.as_ref()) {
            Duration::ZERO
        } else {
            timeout.saturating_sub(self.now() - begin)
        };
        if !drained || !self.join_within(left) {
            let (worker, stats) = (self.name().to_owned(), self.stats());
            let (unfinished, queued) = match store.as_ref().map(|store| store.get(self.status())) {
                _ if drained => (Unfinished::ThreadEnding, 0),
                // The replacement starts with the values of main: nothing is queued for it.
                Some(IsolateStatus::Restarting { attempt }) => {
                    (Unfinished::Restarting { attempt }, 0)
                }
                _ => (Unfinished::AtWork, stats.queued),
            };
            return Err(ShutdownError::TimedOut { worker, timeout, queued, unfinished });
        }
        self.came_to(store.as_ref())
    }

    /// As [`shutdown`](Self::shutdown), but waits without blocking the thread, and for as long as it takes.
    ///
    /// Polling it takes turns of the main store. Nothing happens before the first poll. Dropping it disposes the
    /// isolate, so you can limit the wait with the timeout of any executor.
    ///
    /// # Errors
    /// `Failed` if the worker failed. `Nested` if it is first polled inside a batch, a computed or an observer; then
    /// the worker keeps running.
    ///
    /// # Panics
    /// As [`shutdown`](Self::shutdown) does.
    #[must_use = "the isolate is disposed when this is dropped: await it"]
    pub async fn shutdown_async(mut self) -> Result<(), ShutdownError> {
        if let Err(nested) = self.refuse_nested() {
            self.detached = true;
            return Err(nested);
        }
        self.send_drain();
        self.ended().await
    }

    /// Waits, with turns, until a worker that has to end has ended.
    pub(crate) async fn ended(&self) -> Result<(), ShutdownError> {
        if let Some((store, hub)) = self.hub() {
            let mut turn = store.turn();
            poll_fn(|context| self.poll_gone(&store, &hub, &mut turn, context)).await;
        }
        let store = self.store.upgrade();
        if self.is_cut_off(store.as_ref()) {
            return self.came_to(store.as_ref());
        }
        for running in self.isolate.take_running() {
            poll_fn(|context| running.poll_end(context)).await;
            let _ = running.join();
        }
        self.came_to(self.store.upgrade().as_ref())
    }

    /// Takes turns, and checks whether the isolate has ended. Its last message is not a transaction, so a turn does not
    /// return for it; and the turn of another task may have applied it.
    fn poll_gone(
        &self,
        store: &ReactonStore,
        hub: &Hub,
        turn: &mut Turn,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        while !self.isolate.is_gone(hub) {
            match Pin::new(&mut *turn).poll(context) {
                // Polled inside a batch, a computed or an observer, where a turn ends early: the worker's messages have
                // yet to arrive.
                Poll::Ready(0) if Wiring::of(store).is_busy() => {
                    *turn = store.turn();
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(0) => break,
                Poll::Ready(_) => *turn = store.turn(),
                Poll::Pending if self.isolate.is_gone(hub) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    /// Returns an error inside a batch, a computed or an observer, where a turn would apply nothing.
    pub(crate) fn refuse_nested(&self) -> Result<(), ShutdownError> {
        match self.store.upgrade() {
            Some(store) if Wiring::of(&store).is_busy() => {
                Err(ShutdownError::Nested { worker: self.name().to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Tells the worker to apply everything queued, and then to end.
    pub(crate) fn send_drain(&self) {
        self.isolate.drain();
        if let Some((_, hub)) = self.hub() {
            hub.send_drain(self.isolate.link());
        }
    }

    /// Whether the store was disposed by another thread, as the store of a worker is, and applies nothing any more.
    /// Then the isolate counts as disposed, although the store disposes it only when its thread is done.
    fn is_cut_off(&self, store: Option<&ReactonStore>) -> bool {
        let cut_off = store.is_some_and(|store| {
            let wiring = Wiring::of(store);
            wiring.is_stopped() && !wiring.is_ended()
        });
        if cut_off {
            self.dispose();
        }
        cut_off
    }

    /// Joins the threads of all its incarnations: a replaced one may still drop its thread-locals.
    fn join_within(&self, timeout: Duration) -> bool {
        let begin = self.now();
        let mut all_end = true;
        for running in self.isolate.take_running() {
            if running.ends_within(timeout.saturating_sub(self.now() - begin)) {
                // It unwinds only if it died in the handshake, and that is known by now.
                let _ = running.join();
            } else {
                all_end = false;
                self.isolate.add_running(running);
            }
        }
        all_end
    }

    fn came_to(&self, store: Option<&ReactonStore>) -> Result<(), ShutdownError> {
        match store.map(|store| store.get(self.status())) {
            Some(IsolateStatus::Failed { message, location }) => {
                Err(ShutdownError::Failed { worker: self.name().to_owned(), message, location })
            }
            Some(IsolateStatus::Lost) => Err(ShutdownError::lost(self.name())),
            _ => Ok(()),
        }
    }

    /// Drops the handle without ending the isolate. It lives until its main store ends, until its worker fails, or until the scope ends
    /// in which it was spawned.
    ///
    /// Its status and its last error stay in the main store as long as it lives. Subscribers of the status are called
    /// when it ends. After that, a copy of the status returns `Disposed`.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// The time on the host of the worker.
    pub(crate) fn now(&self) -> Instant {
        self.isolate.host().now()
    }

    pub(super) fn hub(&self) -> Option<(ReactonStore, Rc<Hub>)> {
        let store = self.store.upgrade()?;
        let hub = Hub::find(&store)?;
        Some((store, hub))
    }
}

impl fmt::Debug for IsolateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IsolateStore").field("name", &self.name()).finish_non_exhaustive()
    }
}
