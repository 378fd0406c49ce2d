//! How an isolate begins: the link, the thread, the handshake.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use reacton_core::ReactonStore;
use reacton_core::wiring::Wiring;

use crate::api::worker::{Answer, Entry, live};
use crate::error::SpawnError;
use crate::host::signal::NoAnswer;
use crate::host::thread::{Thread, start};
use crate::host::timer::Timer;
use crate::hub::Hub;
use crate::isolate::handle::IsolateStore;
use crate::isolate::supervise::{Isolate, Revival};
use crate::link::Delivery;
use crate::pool::PoolShared;
use crate::shared::SharedSet;
use crate::testing::World;
use crate::wire::message::IsolateMessage;
use crate::worker::panics;

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
    pub(crate) fn begin(
        self,
        store: &ReactonStore,
        entry: Entry,
        revival: Option<Revival>,
        pool: Option<Rc<PoolShared>>,
    ) -> Result<Begun, SpawnError> {
        let worker = self.name.clone();
        if Wiring::of(store).is_stopped() {
            return Err(SpawnError::Disposed { worker });
        }
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
        let isolate = Rc::new(Isolate::new(store, self, revival, pool));
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
        let thread = start(isolate.options(), move |signal| {
            live(birth, Answer::ToSpawn(signal), entry);
        });
        let thread =
            thread.map_err(|source| SpawnError::Thread { worker: worker.clone(), source })?;
        let timeout = isolate.options().handshake_timeout;
        Ok(Begun { handle, pending: Some(Pending { worker, timeout, thread: Some(thread) }) })
    }
}

/// An isolate that has been started.
pub(crate) struct Begun {
    handle: IsolateStore,
    /// Nothing if its worker has answered already.
    pending: Option<Pending>,
}

impl Begun {
    pub(crate) fn wait(self) -> Result<IsolateStore, SpawnError> {
        let thread = self.pending.map(Pending::wait).transpose()?;
        Ok(self.handle.on_thread(thread))
    }

    pub(crate) async fn wait_async(self) -> Result<IsolateStore, SpawnError> {
        let thread = match self.pending {
            Some(pending) => Some(pending.wait_async().await?),
            None => None,
        };
        Ok(self.handle.on_thread(thread))
    }
}

/// A worker that has not answered yet. Dropped, it learns that no answer is taken.
struct Pending {
    worker: String,
    timeout: Duration,
    /// Taken out when it has answered.
    thread: Option<Thread>,
}

impl Pending {
    fn wait(mut self) -> Result<Thread, SpawnError> {
        let answer = self.thread.as_ref().map(|thread| thread.signal().wait_answer(self.timeout));
        self.answered(answer.unwrap_or(Err(NoAnswer::Ended)))
    }

    /// As [`wait`](Self::wait), without a thread that waits.
    async fn wait_async(mut self) -> Result<Thread, SpawnError> {
        let deadline = Instant::now().checked_add(self.timeout);
        let mut timer = None;
        let answer = poll_fn(|context| {
            let Some(thread) = &self.thread else { return Poll::Ready(Ok(Err(NoAnswer::Ended))) };
            let Some(deadline) = deadline else {
                return thread.signal().poll_answer(context).map(Ok);
            };
            match thread.signal().poll_answer(context) {
                Poll::Ready(answer) => Poll::Ready(Ok(answer)),
                Poll::Pending if Instant::now() >= deadline => {
                    Poll::Ready(Ok(Err(NoAnswer::TimedOut)))
                }
                Poll::Pending => match Timer::new(deadline, context.waker().clone()) {
                    Ok(new) => {
                        timer = Some(new);
                        Poll::Pending
                    }
                    Err(error) => Poll::Ready(Err(error)),
                },
            }
        });
        match answer.await {
            Ok(answer) => self.answered(answer),
            Err(source) => Err(SpawnError::Thread { worker: self.worker.clone(), source }),
        }
    }

    fn answered(&mut self, answer: Result<IsolateMessage, NoAnswer>) -> Result<Thread, SpawnError> {
        let (worker, timeout) = (self.worker.clone(), self.timeout);
        match answer {
            Ok(IsolateMessage::HandshakeAck { mismatches }) if mismatches.is_empty() => {
                tracing::debug!(worker, "the handshake is complete");
                self.thread.take().ok_or(SpawnError::TimedOut { worker, timeout })
            }
            Ok(IsolateMessage::HandshakeAck { mismatches }) => {
                Err(SpawnError::Mismatch { worker, mismatches })
            }
            Ok(_) => Err(SpawnError::Mismatch { worker, mismatches: Vec::new() }),
            Err(NoAnswer::TimedOut) => Err(SpawnError::TimedOut { worker, timeout }),
            Err(NoAnswer::Ended) => {
                let ended = self.thread.take().map_or(Ok(()), Thread::join);
                let message = ended.err().unwrap_or_else(|| String::from("it gave no reason"));
                Err(SpawnError::Died { worker, message })
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(thread) = &self.thread {
            thread.signal().close();
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
