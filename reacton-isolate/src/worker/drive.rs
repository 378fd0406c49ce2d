//! Runs async workers: one future on the worker's own thread, or polled step by step.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use reacton_core::wiring::Wiring;
use reacton_core::{IsReady, ReactonStore, ScopedSubscription};

use crate::hub::Hub;
use crate::hub::calls::{PolledOutside, Tasks};
use crate::worker::outcome::Outcome;

/// Wakes the worker's thread.
struct Unpark {
    thread: Thread,
    /// Set by each wake-up, cleared by each poll. A future that only yields to others is woken at once, so it is polled
    /// again.
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// The future of an async worker that has not ended yet.
pub(crate) struct AsyncRun {
    store: ReactonStore,
    future: Pin<Box<dyn Future<Output = Result<(), String>>>>,
    unpark: Arc<Unpark>,
    /// Wakes the future when its store is woken, as by a dispose, even if the future waits for something else than a
    /// turn.
    _wake: ScopedSubscription,
    hub: Rc<Hub>,
    /// While it exists, async answers are polled after the future, not in turns.
    _polled: PolledOutside,
}

impl AsyncRun {
    fn new<O: Outcome>(store: &ReactonStore, worker: impl Future<Output = O> + 'static) -> Self {
        // `true`, because the first poll needs no wake-up.
        let woken = AtomicBool::new(true);
        let unpark = Arc::new(Unpark { thread: thread::current(), woken });
        let wake = Arc::clone(&unpark);
        let wake = store.on_wake(move || wake.wake_by_ref()).scoped();
        Wiring::of(store).set_driven(true);
        let future = Box::pin(async move { worker.await.done() });
        let hub = Hub::of(store);
        let driver = Waker::from(Arc::clone(&unpark));
        let polled = Tasks::poll_outside(&hub, store, Some(driver));
        Self { store: store.clone(), future, unpark, _wake: wake, hub, _polled: polled }
    }

    /// Takes the future that the worker of `store` has stored there, if there is one.
    pub(crate) fn left_by(store: &ReactonStore) -> Option<Self> {
        let run = Hub::of(store).replace_async_run(None)?;
        run.downcast().ok().map(|run| *run)
    }

    /// Whether the future was woken since the last poll.
    pub(crate) fn is_woken(&self) -> bool {
        self.unpark.woken.load(Ordering::SeqCst)
    }

    /// Polls the future. Returns its outcome. Also returns one if the future is to end at the point where it waits.
    pub(crate) fn poll(&mut self) -> Option<Result<(), String>> {
        self.unpark.woken.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.unpark));
        if let Poll::Ready(outcome) = self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(outcome);
        }
        self.hub.calls().tasks().poll(&self.store);
        let wiring = Wiring::of(&self.store);
        (wiring.is_stopped() || wiring.was_asked_again()).then_some(Ok(()))
    }

    /// Blocks the thread until the future is woken.
    fn wait(&self) {
        let wiring = Wiring::of(&self.store);
        // Other code that parks this thread (a channel, a spawn) may have used up the token of a wake-up.
        while !self.is_woken() {
            let Some(peers) = wiring.peers() else {
                thread::park();
                continue;
            };
            let unpark = Arc::clone(&self.unpark);
            let is_woken: IsReady = Arc::new(move || unpark.woken.load(Ordering::SeqCst));
            peers.wait(Some(wiring.number()), is_woken, None);
        }
    }
}

impl Drop for AsyncRun {
    fn drop(&mut self) {
        Wiring::of(&self.store).set_driven(false);
    }
}

impl fmt::Debug for AsyncRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncRun").field("woken", &self.is_woken()).finish_non_exhaustive()
    }
}

/// Runs an async worker to its end on this thread. Where workers are polled step by step, returns at once.
///
/// If the isolate is disposed, the future is dropped at its current `.await`. If the isolate is shut down, the worker's
/// other work continues, until it asks for more and nothing is left: then a turn returns 0, and a stream of changes
/// ends. If the worker asks for a turn once more, the future is dropped.
///
/// # Errors
/// The message of the worker's error, if it returns one.
#[doc(hidden)]
pub fn drive<O: Outcome>(
    store: &ReactonStore,
    worker: impl Future<Output = O> + 'static,
) -> Result<(), String> {
    let mut run = AsyncRun::new(store, worker);
    if let Some(hub) = Hub::find(store).filter(|hub| hub.polls_stepwise()) {
        // A worker has one future, so an earlier one is dropped.
        drop(hub.replace_async_run(Some(Box::new(run))));
        return Ok(());
    }
    loop {
        if let Some(outcome) = run.poll() {
            return outcome;
        }
        run.wait();
    }
}
