//! How an isolate begins: the link, the thread, the handshake.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use reacton_core::wiring::{OpenScope, Wiring};
use reacton_core::{FirstPanic, ReactonStore};

use crate::api::handle::IsolateStore;
use crate::error::SpawnError;
#[cfg(feature = "process")]
use crate::host::away::Elsewhere;
#[cfg(feature = "process")]
use crate::host::process::Processes;
use crate::host::signal::NoAnswer;
use crate::host::{self, Failure, Host, Running, Start};
use crate::hub::Hub;
use crate::isolate::supervise::{Isolate, RestartPlan};
use crate::pool::PoolShared;
use crate::wire::message::IsolateMessage;
#[cfg(feature = "process")]
use crate::worker::carrier::Carrier;
use crate::worker::options::Options;
use crate::worker::panics;
use crate::worker::setup::Entry;

impl Options {
    /// Opens the link and starts the worker on the host of this thread.
    pub(crate) fn begin(
        mut self,
        store: &ReactonStore,
        entry: Entry,
        restart_plan: Option<RestartPlan>,
        pool: Option<Rc<PoolShared>>,
    ) -> Result<Begun, SpawnError> {
        let worker = self.name.clone();
        if Wiring::of(store).is_stopped() {
            return Err(SpawnError::Disposed { worker });
        }
        let host = self.host()?;
        if let Some((first, second)) = self.shared.duplicate() {
            let (first, second) = (first.name(), second.name());
            return Err(SpawnError::Duplicate { worker, first, second });
        }
        let against = Hub::find(store).and_then(|hub| hub.written_against_parent(&self.shared));
        if let Some(reacton) = against.map(|rref| rref.name()) {
            return Err(SpawnError::Direction { worker, reacton });
        }
        tracing::debug!(worker, shared = ?self.shared, "a worker starts");
        panics::watch_panics();
        let hub = Hub::of(store);
        let scope = Wiring::of(store).scope().filter(|_| pool.is_none());
        let isolate = Rc::new(Isolate::new(store, host, self, restart_plan, pool));
        // From here on, dropping the handle ends the isolate again.
        let handle = IsolateStore::new(store, Rc::clone(&isolate));
        let mut panics = FirstPanic::default();
        let setup = isolate
            .open_link(store, &hub, &mut panics)
            .map_err(|source| SpawnError::Value { worker: worker.clone(), source })?;
        panics.resume();
        let start = Start { setup, entry, over_the_link: false };
        let (host, options) = (Arc::clone(isolate.host()), isolate.options());
        let running = host
            .start(store, options, start)
            .map_err(|source| SpawnError::Thread { worker: worker.clone(), source })?;
        let timeout = options.handshake_timeout;
        let pending = Pending { worker, timeout, host, running: Some(running) };
        Ok(Begun { handle, pending, scope })
    }
}

impl Options {
    /// The host of the worker: elsewhere if the program asks for that and no simulation runs on this thread. In a
    /// simulation such a worker is behind a road, so that everything it shares crosses as bytes. Fails if no process of
    /// this program would run the worker.
    #[cfg(feature = "process")]
    fn host(&mut self) -> Result<Arc<dyn Host>, SpawnError> {
        let current = host::current();
        if let Some(road) = current.behind_road(self.away.is_some()) {
            self.shared = self.shared.over_bytes().map_err(|reacton| {
                SpawnError::NotSerializable { worker: self.name.clone(), reacton }
            })?;
            return Ok(road);
        }
        match &self.away {
            Some(away) if current.peers().is_none() => {
                let carrier: Arc<dyn Carrier> = match &away.carrier {
                    Some(carrier) => Arc::clone(carrier),
                    None => Arc::new(Processes::new(&self.name, Arc::clone(away))?),
                };
                Ok(Arc::new(Elsewhere::new(Arc::clone(away), carrier, current)))
            }
            _ => Ok(current),
        }
    }

    #[cfg(not(feature = "process"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as with processes")]
    fn host(&mut self) -> Result<Arc<dyn Host>, SpawnError> {
        Ok(host::current())
    }
}

/// An isolate that has been started.
pub(crate) struct Begun {
    handle: IsolateStore,
    pending: Pending,
    /// The scope in which it was spawned; a member of a pool has none of its own.
    scope: Option<OpenScope>,
}

impl Begun {
    pub(crate) fn wait(self) -> Result<IsolateStore, SpawnError> {
        let running = self.pending.wait()?;
        Ok(self.handle.with_running(running).within(self.scope))
    }

    pub(crate) async fn wait_async(self) -> Result<IsolateStore, SpawnError> {
        let running = self.pending.wait_async().await?;
        Ok(self.handle.with_running(running).within(self.scope))
    }
}

/// A worker that has not answered yet. Dropping this rejects its answer.
struct Pending {
    worker: String,
    timeout: Duration,
    host: Arc<dyn Host>,
    /// `None` once it has answered.
    running: Option<Box<dyn Running>>,
}

impl Pending {
    fn wait(mut self) -> Result<Box<dyn Running>, SpawnError> {
        let answer = self.running.as_ref().map(|running| running.wait_answer(self.timeout));
        self.answered(answer.unwrap_or(Err(NoAnswer::Ended)))
    }

    /// As [`wait`](Self::wait), without blocking a thread.
    async fn wait_async(mut self) -> Result<Box<dyn Running>, SpawnError> {
        let deadline = self.host.now().checked_add(self.timeout);
        let mut timer = None;
        let answer = poll_fn(|context| {
            let Some(running) = &self.running else {
                return Poll::Ready(Ok(Err(NoAnswer::Ended)));
            };
            let Some(deadline) = deadline else {
                return running.poll_answer(context).map(Ok);
            };
            if let Poll::Ready(answer) = running.poll_answer(context) {
                return Poll::Ready(Ok(answer));
            }
            let left = deadline.saturating_duration_since(self.host.now());
            if left.is_zero() {
                return Poll::Ready(Ok(Err(NoAnswer::TimedOut)));
            }
            match self.host.after(left, context.waker().clone()) {
                Ok(new) => {
                    timer = Some(new);
                    Poll::Pending
                }
                Err(error) => Poll::Ready(Err(error)),
            }
        });
        match answer.await {
            Ok(answer) => self.answered(answer),
            Err(source) => Err(SpawnError::Thread { worker: self.worker.clone(), source }),
        }
    }

    fn answered(
        &mut self,
        answer: Result<IsolateMessage, NoAnswer>,
    ) -> Result<Box<dyn Running>, SpawnError> {
        let (worker, timeout) = (self.worker.clone(), self.timeout);
        match answer {
            Ok(IsolateMessage::HandshakeAck { mismatches }) if mismatches.is_empty() => {
                tracing::debug!(worker, "the handshake is complete");
                self.running.take().ok_or(SpawnError::TimedOut { worker, timeout })
            }
            Ok(IsolateMessage::HandshakeAck { mismatches }) => {
                Err(SpawnError::Mismatch { worker, mismatches })
            }
            Ok(_) => Err(SpawnError::Mismatch { worker, mismatches: Vec::new() }),
            Err(NoAnswer::TimedOut) => Err(SpawnError::TimedOut { worker, timeout }),
            Err(NoAnswer::Ended) => {
                let ended = self.running.take().map_or(Ok(()), Running::join);
                Err(match ended {
                    Ok(()) => {
                        SpawnError::Died { worker, message: String::from("it gave no reason") }
                    }
                    Err(Failure::Died(message)) => SpawnError::Died { worker, message },
                    #[cfg(feature = "process")]
                    Err(Failure::Value(source)) => SpawnError::Value { worker, source },
                    #[cfg(feature = "process")]
                    Err(Failure::Refused { host, why }) => {
                        SpawnError::Refused { worker, host, why }
                    }
                    #[cfg(feature = "process")]
                    Err(Failure::Unreachable { host, reason }) => {
                        SpawnError::Unreachable { worker, host, reason }
                    }
                })
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.cancel();
        }
    }
}

/// The future of an isolate, or of a [`Pool`](crate::Pool): it is ready after the handshake. Made by `spawn_async`.
///
/// It takes no turn of the store. Dropping it disposes the isolate or the pool.
#[must_use = "the isolate is disposed when this is dropped: await it"]
pub struct Spawning<T = IsolateStore> {
    future: Pin<Box<dyn Future<Output = Result<T, SpawnError>>>>,
}

impl<T> Spawning<T> {
    pub(crate) fn new(future: impl Future<Output = Result<T, SpawnError>> + 'static) -> Self {
        Self { future: Box::pin(future) }
    }
}

impl Spawning {
    pub(crate) fn of(begun: Result<Begun, SpawnError>) -> Self {
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
