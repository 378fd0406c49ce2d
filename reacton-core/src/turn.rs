//! Turns: the moments at which a store takes in what other threads sent it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::access::{Declared, Readable};
use crate::error::RunError;
use crate::inbox::{Arrival, Mailbox, Waited, Wake};
use crate::observer::Subscription;
use crate::store::ReactonStore;
use crate::wiring::Wiring;

/// How many transactions `run_until` takes in before it looks at the time and at its condition again.
const SLICE: usize = 64;

impl ReactonStore {
    /// Takes in everything that has arrived, each transaction as one round of observers. Never blocks.
    ///
    /// Gives the number of transactions taken in. Inside a batch, a computed or an observer that is none.
    ///
    /// # Panics
    /// With the first panic of an observer; what comes after that transaction waits for the next turn.
    pub fn pump(&self) -> usize {
        self.pump_at_most(usize::MAX)
    }

    /// As [`pump`](Self::pump), but takes in at most `n` transactions, so that a flood leaves time for other work.
    ///
    /// # Panics
    /// As [`pump`](Self::pump) does.
    pub fn pump_at_most(&self, n: usize) -> usize {
        if self.phase().is_busy() || self.is_over() {
            return 0;
        }
        let _ring = RingIfLeft(self);
        // What arrives while this goes on waits for the next turn; otherwise a flood would never let go.
        let mut left = self.inbox().stage();
        if left == 0 {
            return 0;
        }
        let span = tracing::trace_span!("turn", waiting = left, taken = tracing::field::Empty);
        let _span = span.enter();
        let mut taken = 0;
        while left > 0 && taken < n && !self.is_stopped() {
            left -= 1;
            let Some(arrival) = self.inbox().next() else {
                break;
            };
            taken += self.phase().turning(|| arrival.take_in(self));
        }
        span.record("taken", taken);
        taken
    }

    /// Sleeps until something arrives or `timeout` has passed, then takes in what is there and gives the number
    /// of transactions. [`Duration::MAX`] waits for ever.
    ///
    /// Gives 0, too, when what arrived only steers: a subscription, the end of an isolate. Returns 0 at once where a
    /// turn takes in nothing (inside a batch, a computed or an observer), and when nothing can arrive any more
    /// because no living isolate and no [`StoreHandle`] is left or this worker is over: a loop on `wait` has to ask
    /// [`is_disposed`](Self::is_disposed). It takes in everything that is there, however long that takes.
    ///
    /// # Panics
    /// As [`pump`](Self::pump) does.
    pub fn wait(&self, timeout: Duration) -> usize {
        if self.phase().is_busy() || self.is_disposed() {
            return 0;
        }
        self.await_arrival(Instant::now().checked_add(timeout));
        self.pump()
    }

    /// Takes turns until `done` holds; it is asked before the first turn and after each. A long backlog is taken
    /// in over several turns, so that neither the condition nor the timeout waits for all of it.
    ///
    /// In a worker's own function it also ends, as [`Disconnected`](RunError::Disconnected), when a shutdown has
    /// drained the worker.
    ///
    /// # Errors
    /// [`TimedOut`](RunError::TimedOut) when `timeout` has passed, [`Disconnected`](RunError::Disconnected) as
    /// soon as nothing can arrive any more, [`Nested`](RunError::Nested) inside a batch, a computed or an observer.
    ///
    /// # Panics
    /// As [`pump`](Self::pump) does.
    pub fn run_until(
        &self,
        timeout: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<(), RunError> {
        if self.phase().is_busy() {
            return Err(RunError::Nested);
        }
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if done(self) {
                return Ok(());
            }
            if self.is_disposed() {
                return Err(RunError::Disconnected);
            }
            match self.await_arrival(deadline) {
                Waited::Arrived => {
                    let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
                    // In slices: a backlog must not outlast the timeout.
                    self.pump_at_most(SLICE);
                    if late && !done(self) {
                        return Err(RunError::TimedOut);
                    }
                }
                Waited::TimedOut => return Err(RunError::TimedOut),
                Waited::Disconnected => return Err(RunError::Disconnected),
            }
        }
    }

    fn await_arrival(&self, deadline: Option<Instant>) -> Waited {
        let Some(idle) = self.idle() else { return self.inbox().wait(deadline) };
        while self.inbox().is_empty() {
            if self.inbox().is_disconnected() {
                return Waited::Disconnected;
            }
            if !idle() {
                assert!(
                    deadline.is_some(),
                    "this store waits for ever: nobody is left who could send it anything"
                );
                return Waited::TimedOut;
            }
        }
        Waited::Arrived
    }

    /// A future of the next turn: it takes in what has arrived, waiting for something if there is nothing, and
    /// gives the number of transactions. It runs on any executor of this thread.
    ///
    /// Dropping it loses nothing. It gives 0 when nothing can arrive any more, and only then.
    pub fn turn(&self) -> Turn {
        Turn { store: self.clone(), gave_way: false }
    }

    /// Calls `f` from the sending thread when something arrives: poke your event loop with it, then take a turn there.
    ///
    /// It is called once until the next turn, however much arrives; and at once if something is there already.
    /// A panic in it is swallowed.
    pub fn on_wake(&self, f: impl Fn() + Send + Sync + 'static) -> Subscription {
        let wake: Wake = Arc::new(f);
        Subscription::to_waker(self, self.inbox().add_waker(&wake))
    }

    /// A handle by which any thread can write to this store.
    pub fn handle(&self) -> StoreHandle {
        StoreHandle { mailbox: self.inbox().mailbox() }
    }

    /// Whether a newer value of `reacton` has arrived and waits for the next turn, so that work on the present
    /// one can be dropped half-way.
    #[track_caller]
    pub fn is_stale<R: Readable>(&self, reacton: &R) -> bool {
        let id = Wiring::of(self).id_of(reacton);
        id.is_some_and(|id| self.inbox().brings(self, id))
    }
}

/// Rings for what a turn has left, also when an observer panicked.
struct RingIfLeft<'s>(&'s ReactonStore);

impl Drop for RingIfLeft<'_> {
    fn drop(&mut self) {
        self.0.inbox().ring_if_left();
    }
}

/// The next turn of a store; see [`ReactonStore::turn`].
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Turn {
    store: ReactonStore,
    gave_way: bool,
}

impl Future for Turn {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        let gave_way = std::mem::replace(&mut self.gave_way, true);
        let store = &self.store;
        // Registered first: what arrives in between is seen by the look that follows.
        let is_empty = store.is_disposed() || store.inbox().register(context.waker());
        let is_over = store.is_disposed() || store.inbox().is_disconnected();
        if is_over && !gave_way {
            // Once, so that a loop of turns lets whoever runs it see that it is over.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if is_empty && !is_over {
            return Poll::Pending;
        }
        loop {
            let taken = store.pump();
            if taken > 0 || store.is_disposed() || store.inbox().is_disconnected() {
                return Poll::Ready(taken);
            }
            if store.phase().is_busy() {
                // Polled inside a batch or an observer, where a turn takes in nothing: again when that is over.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // What arrived only steered.
            if store.inbox().register(context.waker()) {
                return Poll::Pending;
            }
        }
    }
}

/// Writes to a store from any thread. What it sends is taken in at the store's next turn, in order, each call as
/// one transaction.
///
/// While a handle is left, a store that waits believes that something may still arrive.
#[derive(Clone, Debug)]
pub struct StoreHandle {
    mailbox: Mailbox,
}

/// A closure on its way to a store.
struct Job<F>(F);

impl<F: FnOnce(&ReactonStore) + Send> Arrival for Job<F> {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        (self.0)(store);
        1
    }
}

impl StoreHandle {
    /// As [`ReactonStore::set`], at the store's next turn.
    pub fn set<R: Declared>(&self, reacton: &R, value: R::Value)
    where
        R::Value: Send,
    {
        let reacton = reacton.__remote();
        self.post(move |store| store.set(&reacton, value));
    }

    /// As [`ReactonStore::update`], at the store's next turn.
    pub fn update<R: Declared>(&self, reacton: &R, f: impl FnOnce(&mut R::Value) + Send + 'static)
    where
        R::Value: Clone,
    {
        let reacton = reacton.__remote();
        self.post(move |store| store.update(&reacton, f));
    }

    /// As [`ReactonStore::batch`], at the store's next turn.
    pub fn batch(&self, f: impl FnOnce(&ReactonStore) + Send + 'static) {
        self.post(move |store| store.batch(f));
    }

    /// Runs `f` on the store's thread, at its next turn. A turn taken inside takes in nothing.
    pub fn post(&self, f: impl FnOnce(&ReactonStore) + Send + 'static) {
        // A store that has ended takes nothing in: as after `dispose`, the write does nothing.
        self.mailbox.post(Job(f));
    }

    /// Whether the store has ended, so that what is sent does nothing.
    pub fn is_closed(&self) -> bool {
        self.mailbox.is_closed()
    }
}

impl fmt::Debug for dyn Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arrival")
    }
}
