//! How an isolate begins: the link, the thread, the handshake.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, panic_message};

use super::IsolateStore;
use super::thread::{Thread, start};
use crate::error::SpawnError;
use crate::hub::Hub;
use crate::link::Delivery;
use crate::message::IsolateMessage;
use crate::panics;
use crate::pool::Crew;
use crate::shared::SharedSet;
use crate::supervise::{Isolate, Revival};
use crate::testing::World;
use crate::worker::{Answer, Entry, live};

/// How long `spawn` waits for the handshake unless the builder says otherwise.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a worker's thread and link are to be like.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) name: String,
    pub(crate) shared: SharedSet,
    pub(crate) delivery: Delivery,
    pub(crate) handshake_timeout: Duration,
    pub(crate) stack_size: Option<usize>,
    pub(crate) spin: Option<Duration>,
}

impl Default for Options {
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

impl Options {
    /// Opens the link and starts the thread.
    pub(super) fn begin(
        self,
        store: &ReactonStore,
        entry: Entry,
        revival: Option<Revival>,
        crew: Option<Rc<Crew>>,
    ) -> Result<Begun, SpawnError> {
        let worker = self.name.clone();
        if Wiring::of(store).is_stopped() {
            return Err(SpawnError::Disposed { worker });
        }
        if let Some((first, second)) = self.shared.duplicate() {
            let (first, second) = (first.name(), second.name());
            return Err(SpawnError::Duplicate { worker, first, second });
        }
        tracing::debug!(worker, shared = ?self.shared, "a worker starts");
        panics::watch_panics();
        let hub = Hub::of(store);
        let isolate = Rc::new(Isolate::new(store, self, revival, crew));
        // From here on dropping the handle undoes it all.
        let handle = IsolateStore::new(store, Rc::clone(&isolate));
        let birth = isolate
            .conceive(store, &hub)
            .map_err(|source| SpawnError::Value { worker: worker.clone(), source })?;
        if let Some(world) = World::current() {
            return match world.adopt(store, birth, entry) {
                mismatches if mismatches.is_empty() => Ok(Begun { handle, pending: None }),
                mismatches => Err(SpawnError::Mismatch { worker, mismatches }),
            };
        }
        // Without room for a message: the worker knows whether main has heard its answer. It is held to the very
        // end of the thread.
        let (ready, acknowledged) = sync_channel(0);
        let thread = start(isolate.options(), move || {
            live(birth, Answer::ToSpawn(&ready), entry);
            drop(ready);
        });
        let thread =
            thread.map_err(|source| SpawnError::Thread { worker: worker.clone(), source })?;
        let timeout = isolate.options().handshake_timeout;
        Ok(Begun { handle, pending: Some(Pending { worker, timeout, acknowledged, thread }) })
    }
}

/// An isolate that has been started.
pub(super) struct Begun {
    handle: IsolateStore,
    /// Nothing if its worker has answered already.
    pending: Option<Pending>,
}

impl Begun {
    pub(super) fn wait(self) -> Result<IsolateStore, SpawnError> {
        let thread = self.pending.map(Pending::wait).transpose()?;
        Ok(self.handle.on_thread(thread))
    }

    pub(super) async fn wait_async(self) -> Result<IsolateStore, SpawnError> {
        let thread = match self.pending {
            Some(pending) => Some(blocking::unblock(|| pending.wait()).await?),
            None => None,
        };
        Ok(self.handle.on_thread(thread))
    }
}

/// A worker that has not answered yet.
struct Pending {
    worker: String,
    timeout: Duration,
    acknowledged: Receiver<IsolateMessage>,
    thread: JoinHandle<()>,
}

impl Pending {
    fn wait(self) -> Result<Thread, SpawnError> {
        let Self { worker, timeout, acknowledged, thread } = self;
        match acknowledged.recv_timeout(timeout) {
            Ok(IsolateMessage::HandshakeAck { mismatches }) if mismatches.is_empty() => {
                tracing::debug!(worker, "the handshake is complete");
                Ok(Thread::new(thread, acknowledged))
            }
            Ok(IsolateMessage::HandshakeAck { mismatches }) => {
                Err(SpawnError::Mismatch { worker, mismatches })
            }
            Ok(_) => Err(SpawnError::Mismatch { worker, mismatches: Vec::new() }),
            Err(RecvTimeoutError::Timeout) => Err(SpawnError::TimedOut { worker, timeout }),
            Err(RecvTimeoutError::Disconnected) => {
                let message = match thread.join() {
                    Err(payload) => panic_message(&*payload),
                    Ok(()) => String::from("it gave no reason"),
                };
                Err(SpawnError::Died { worker, message })
            }
        }
    }
}

/// The future of an isolate, or of a [`Pool`](crate::Pool): it is ready after the handshake. Made by `spawn_async`.
///
/// It takes no turn of the store. Dropping it disposes what was begun.
#[must_use = "the isolate is disposed when this is dropped: await it"]
pub struct Spawning<T = IsolateStore> {
    future: Pin<Box<dyn Future<Output = Result<T, SpawnError>>>>,
}

impl<T> Spawning<T> {
    pub(super) fn new(future: impl Future<Output = Result<T, SpawnError>> + 'static) -> Self {
        Self { future: Box::pin(future) }
    }
}

impl Spawning {
    pub(super) fn of(begun: Result<Begun, SpawnError>) -> Self {
        Self::new(async move { begun?.wait_async().await })
    }
}

impl<T> Future for Spawning<T> {
    type Output = Result<T, SpawnError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(context)
    }
}

impl<T> fmt::Debug for Spawning<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spawning")
    }
}
