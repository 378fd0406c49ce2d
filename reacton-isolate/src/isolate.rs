//! Isolates: the main side's handle to a worker with a store of its own.

use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use reacton_core::wiring::Wiring;
use reacton_core::{Inbox, ReactonStore, ReadOnly, RunError, Writable, panic_message};

use crate::error::{LinkError, ShutdownError, SpawnError};
use crate::hub::{Hub, Link, LinkHandle};
use crate::life::Birth;
use crate::link::{Delivery, LinkStats, Outbox};
use crate::message::IsolateMessage;
use crate::shared::SharedSet;
use crate::status::{IsolateStatus, Panel};
use crate::supervise;
use crate::sync::LinkId;
use crate::testing::World;
use crate::worker::{Outcome, live};

/// How long `spawn` waits for the handshake unless the builder says otherwise.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A worker with a store of its own, as the store that spawned it sees it.
///
/// Dropping it disposes the isolate: keep it as long as the worker is to live, or [`detach`](Self::detach) it.
#[must_use = "the isolate is disposed when its handle is dropped: bind it to a name (`let _ = ..` drops it at once), or `detach()` it"]
pub struct IsolateStore {
    name: String,
    link: LinkHandle,
    panel: Panel,
    thread: Option<Thread>,
    detached: bool,
}

/// The worker's thread.
struct Thread {
    handle: JoinHandle<()>,
    /// The thread lets go of the other end as the last thing it does: by this a join has a timeout.
    ended: Receiver<IsolateMessage>,
}

impl Thread {
    /// Joins it if it ends in that time; gives whether it did.
    fn join_within(self, timeout: Duration) -> bool {
        let ended = matches!(self.ended.recv_timeout(timeout), Err(RecvTimeoutError::Disconnected));
        if ended {
            // It never unwinds.
            let _ = self.handle.join();
        }
        ended
    }
}

impl IsolateStore {
    /// Starts `entry` on a thread of its own, with a store of its own that shares the reactons of `shared` with `store`.
    ///
    /// Returns after the handshake: the worker's store holds the committed values as of this call, and what is
    /// written from now on reaches it. When `entry` returns, the worker goes on taking turns until it is
    /// disposed or shut down; what `entry` subscribed to goes on being heard.
    ///
    /// # Errors
    /// If the thread cannot be started, ends early or stays silent, and if a shared value does not encode. No
    /// thread is left behind then.
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

    /// Options for an isolate.
    pub fn builder() -> IsolateBuilder {
        IsolateBuilder::default()
    }

    /// The name of the worker and of its thread.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the isolate is doing: a reacton of the main store, to get, to subscribe to, to use in computeds and effects.
    pub fn status(&self) -> &ReadOnly<IsolateStatus> {
        &self.panel.status
    }

    /// The last value that did not cross, in either direction: a reacton of the main store.
    pub fn last_error(&self) -> &ReadOnly<Option<LinkError>> {
        &self.panel.last_error
    }

    /// Stops taking in what the worker writes to `reacton`, at once: what is on its way too. The worker is told,
    /// so that it sends no more of it.
    pub fn pause(&self, reacton: &impl Writable) {
        self.link.take(reacton, false);
    }

    /// Takes in again what the worker writes to `reacton`, beginning with what was missed.
    pub fn resume(&self, reacton: &impl Writable) {
        self.link.take(reacton, true);
    }

    /// What has crossed the link so far. Nothing is counted any more once the isolate has ended.
    pub fn stats(&self) -> LinkStats {
        self.link
            .hub()
            .and_then(|(_, hub)| hub.link(self.link.id))
            .map(|link| link.stats())
            .unwrap_or_default()
    }

    /// Ends the isolate at once; idempotent, never blocks. Nothing that it sent is taken in afterwards. A worker in
    /// the middle of a callback ends after it; its `store.is_disposed()` lets long work end sooner.
    pub fn dispose(&self) {
        if let Some((store, hub)) = self.link.hub() {
            tracing::debug!(worker = %self.name, "disposed");
            hub.dispose(&store, self.link.id);
        }
    }

    /// Ends the isolate and loses nothing: the worker takes in all that was written before, its own isolates are
    /// drained, all that it wrote in answer is taken in here, and the thread is joined.
    ///
    /// # Errors
    /// If the worker does not finish in time; then it goes on to its end by itself, and what it sends still
    /// arrives. If it failed. At once inside a batch, a computed or an observer; then the worker goes on.
    ///
    /// # Panics
    /// With a panic of an observer of the main store, as [`pump`](ReactonStore::pump) does.
    pub fn shutdown(mut self, timeout: Duration) -> Result<(), ShutdownError> {
        let begin = Instant::now();
        let store = self.link.store.upgrade();
        if store.as_ref().is_some_and(|store| Wiring::of(store).is_busy()) {
            self.detached = true;
            return Err(ShutdownError::Nested { worker: self.name.clone() });
        }
        let drained = self.drain(timeout);
        // The thread of a worker that was disposed, or whose store is gone, may be busy for as long as it likes.
        let left = timeout.saturating_sub(begin.elapsed());
        if !drained || self.thread.take().is_some_and(|thread| !thread.join_within(left)) {
            self.detached = true;
            return Err(ShutdownError::TimedOut { worker: self.name.clone(), timeout });
        }
        match store.map(|store| store.get(&self.panel.status)) {
            Some(IsolateStatus::Failed { message, .. }) => {
                Err(ShutdownError::Failed { worker: self.name.clone(), message })
            }
            _ => Ok(()),
        }
    }

    /// Takes turns until the worker has sent its last message; gives whether it did in time.
    fn drain(&self, timeout: Duration) -> bool {
        let Some((store, hub)) = self.link.hub() else { return true };
        hub.send_drain(self.link.id);
        let drained = store.run_until(timeout, |_| hub.link(self.link.id).is_none());
        // If the store itself has ended meanwhile, it has told the worker so.
        matches!(drained, Ok(()) | Err(RunError::Disconnected))
    }

    /// Lets the isolate live on until its main store ends.
    pub fn detach(mut self) {
        self.detached = true;
    }
}

impl Drop for IsolateStore {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        if let Some(store) = self.link.store.upgrade() {
            // One batch: an observer of the status that panics is told after all of this.
            store.batch(|store| {
                self.dispose();
                self.panel.end(store);
            });
        }
    }
}

impl fmt::Debug for IsolateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IsolateStore").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Options for an isolate.
#[derive(Debug, Clone)]
#[must_use = "an isolate starts with `spawn`"]
pub struct IsolateBuilder {
    name: String,
    shared: SharedSet,
    delivery: Delivery,
    handshake_timeout: Duration,
    stack_size: Option<usize>,
    spin: Option<Duration>,
}

impl Default for IsolateBuilder {
    fn default() -> Self {
        Self {
            name: String::from("isolate"),
            shared: SharedSet::from([]),
            delivery: Delivery::Every,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            stack_size: None,
            spin: None,
        }
    }
}

impl IsolateBuilder {
    /// The name of the isolate and of its thread.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The reactons that the isolate shares with the store that spawns it. None by default.
    pub fn shared(mut self, shared: impl Into<SharedSet>) -> Self {
        self.shared = shared.into();
        self
    }

    /// What a side that falls behind gets. [`Delivery::Every`] by default.
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// How long `spawn` waits for the worker to answer; 10 s by default.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// The stack of the worker's thread, in bytes; the standard library's default if this is not called.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// How long the worker spins, yielding, before it sleeps when it has nothing to do: 20 µs by default where
    /// there is more than one core. Zero sleeps at once, which saves power and costs latency.
    pub fn spin(mut self, spin: Duration) -> Self {
        self.spin = Some(spin);
        self
    }

    /// Starts `entry` with these options; see [`IsolateStore::spawn`].
    ///
    /// # Errors
    /// As [`IsolateStore::spawn`] does.
    ///
    /// # Panics
    /// As [`IsolateStore::spawn`] does.
    pub fn spawn<O: Outcome>(
        self,
        store: &ReactonStore,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Result<IsolateStore, SpawnError> {
        let worker = self.name.clone();
        if Wiring::of(store).is_stopped() {
            return Err(SpawnError::Disposed { worker });
        }
        if let Some((first, second)) = self.shared.duplicate() {
            let (first, second) = (first.name(), second.name());
            return Err(SpawnError::Duplicate { worker, first, second });
        }
        supervise::watch_panics();
        let inbox = Inbox::new();
        if let Some(spin) = self.spin {
            inbox.set_spin(spin);
        }
        let link = next_link();
        let hub = Hub::of(store);
        let panel = Panel::new(store);
        let outbox = Rc::new(Outbox::new(link, inbox.mailbox(), self.delivery));
        // From here on dropping the handle undoes it all.
        let isolate = IsolateStore {
            name: self.name.clone(),
            link: LinkHandle::new(store, link),
            panel,
            thread: None,
            detached: false,
        };
        let init = hub
            .open(store, link, Link::new(outbox, &self.shared, Some(panel)), &self.shared)
            .map_err(|source| SpawnError::Value { worker, source })?;
        let birth = Birth {
            link,
            inbox,
            main: Wiring::of(store).inbox().uncounted_mailbox(),
            delivery: self.delivery,
            shared: self.shared.clone(),
            init,
        };
        let entry = move |store: &ReactonStore| entry(store).done();
        if let Some(world) = World::current() {
            return match world.adopt(store, birth, entry) {
                mismatches if mismatches.is_empty() => Ok(isolate),
                mismatches => Err(SpawnError::Mismatch { worker: self.name, mismatches }),
            };
        }
        // Without room for a message: the worker knows whether main has heard its answer.
        let (ready, acknowledged) = sync_channel(0);
        let thread = self.start(move || live(birth, ready, entry))?;
        self.await_handshake(acknowledged, thread, isolate)
    }

    fn start(&self, life: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, SpawnError> {
        let mut builder = thread::Builder::new();
        // A name with a NUL in it is one that no thread can have.
        if !self.name.contains('\0') {
            builder = builder.name(self.name.clone());
        }
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        builder
            .spawn(life)
            .map_err(|source| SpawnError::Thread { worker: self.name.clone(), source })
    }

    fn await_handshake(
        &self,
        acknowledged: Receiver<IsolateMessage>,
        handle: JoinHandle<()>,
        mut isolate: IsolateStore,
    ) -> Result<IsolateStore, SpawnError> {
        let worker = self.name.clone();
        match acknowledged.recv_timeout(self.handshake_timeout) {
            Ok(IsolateMessage::HandshakeAck { mismatches }) if mismatches.is_empty() => {
                tracing::debug!(%worker, "the handshake is complete");
                isolate.thread = Some(Thread { handle, ended: acknowledged });
                Ok(isolate)
            }
            Ok(IsolateMessage::HandshakeAck { mismatches }) => {
                Err(SpawnError::Mismatch { worker, mismatches })
            }
            Ok(_) => Err(SpawnError::Mismatch { worker, mismatches: Vec::new() }),
            Err(RecvTimeoutError::Timeout) => {
                Err(SpawnError::TimedOut { worker, timeout: self.handshake_timeout })
            }
            Err(RecvTimeoutError::Disconnected) => {
                let message = match handle.join() {
                    Err(payload) => panic_message(&*payload),
                    Ok(()) => String::from("a shared value panicked while it was taken over"),
                };
                Err(SpawnError::Died { worker, message })
            }
        }
    }
}

/// A link of its own for each incarnation of a worker (rule 16).
fn next_link() -> LinkId {
    static LINKS: AtomicU64 = AtomicU64::new(1);
    LinkId(LINKS.fetch_add(1, Ordering::Relaxed))
}
