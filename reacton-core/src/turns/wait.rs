//! Waits: a store sleeps until something arrives, and then takes a turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::RunError;
use crate::inbox::{Callback, Waited};
use crate::ops::subscription::Subscription;
use crate::store::ReactonStore;
use crate::store::item::Inbox;
use crate::store::turn_state::SLICE;

impl ReactonStore {
    /// Sleeps until something arrives or `timeout` has passed. Then applies everything that has arrived, and returns
    /// the number of transactions. [`Duration::MAX`] waits for ever.
    ///
    /// Also returns 0 if only control messages arrived, such as a subscription or the end of an isolate. Returns 0 at
    /// once inside a batch, a computed or an observer. Returns 0 at once, too, when nothing can arrive any more: all
    /// isolates have ended and no [`StoreHandle`](crate::StoreHandle) is left, or this is the store of a worker that
    /// has been drained. So a loop on `wait` must check [`is_disposed`](Self::is_disposed), or sleep.
    ///
    /// # Panics
    /// As [`pump`](Self::pump) does.
    pub fn wait(&self, timeout: Duration) -> usize {
        if self.phase().is_busy() || self.is_disposed() {
            return 0;
        }
        self.note_turn();
        self.await_arrival(self.now().checked_add(timeout));
        self.pump()
    }

    /// Takes turns until `done` returns `true`. `done` is called before the first turn, after each turn, and once more
    /// before an error is returned. A long queue is applied in several turns, so that neither the condition nor the
    /// timeout waits for all of it.
    ///
    /// The condition may depend on something outside of the store. It is checked again when the statistics of a pool
    /// change. A change of anything else outside, such as an atomic or the time, does not wake the store: the condition
    /// is checked at the next arrival or at the deadline.
    ///
    /// In a worker's function it also returns [`Disconnected`](RunError::Disconnected) when a shutdown has drained the
    /// worker.
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
        let deadline = self.now().checked_add(timeout);
        let inbox = self.inbox();
        let _awaits = AwaitsCondition { inbox, before: inbox.set_awaits_condition(true) };
        loop {
            // Before `done`, which may read what this call changes.
            self.note_turn();
            // Set before each call of `done`: a change that the call does not see is followed by a call that sees it.
            inbox.set_awaits_condition(true);
            let taken = inbox.taken();
            if done(self) {
                return Ok(());
            }
            if self.is_disposed() && !inbox.is_recheck_asked() {
                return Err(RunError::Disconnected);
            }
            let is_late = || deadline.is_some_and(|deadline| self.now() >= deadline);
            if inbox.taken() != taken && !is_late() {
                // `done` took a turn, and may have read something before that turn changed it.
                continue;
            }
            let error = match self.await_arrival(deadline) {
                Waited::Arrived => {
                    let late = is_late();
                    // In slices: a long queue must not outlast the timeout.
                    self.take_in(inbox.stage().min(SLICE), usize::MAX);
                    if !late {
                        continue;
                    }
                    RunError::TimedOut
                }
                Waited::TimedOut => RunError::TimedOut,
                Waited::Disconnected => RunError::Disconnected,
            };
            // The condition may depend on something outside of the store, such as an atomic or a clock.
            return if done(self) { Ok(()) } else { Err(error) };
        }
    }

    fn await_arrival(&self, deadline: Option<Instant>) -> Waited {
        self.ask();
        if self.turn_state().is_draining() && self.is_disposed() {
            return Waited::Disconnected;
        }
        self.wait_for_arrival(deadline)
    }

    /// Calls `f` on the sending thread when something arrives. Wake your event loop in `f`, and take a turn in the
    /// event loop.
    ///
    /// `f` is called at most once until the next turn. It is called at once if something has already arrived. A panic
    /// of `f` is dropped. Each call of `on_wake` registers another callback; the returned subscription removes it, for
    /// example before a window is made again. If a turn applies nothing because it is inside a batch, a computed or an
    /// observer, `f` is called again afterwards.
    pub fn on_wake(&self, f: impl Fn() + Send + Sync + 'static) -> Subscription {
        let wake: Callback = Arc::new(f);
        let waker = self.inbox().add_callback(&wake);
        let scope = self.graph_ref().running_scope();
        if let Some(scope) = scope {
            let store = self.downgrade();
            let forget = move || {
                store.upgrade().into_iter().for_each(|store| store.inbox().remove_callback(waker));
            };
            self.clean_up_after(scope, Box::new(forget));
        }
        Subscription::to_waker(self, waker)
    }

    /// Sets how long this store spins, yielding, before it sleeps in [`wait`](Self::wait),
    /// [`run_until`](Self::run_until) or a shutdown: 20 µs by default where the process may use more than one core,
    /// whatever the affinity of its threads.
    ///
    /// Waking a sleeping thread takes tens of microseconds. A spinning thread continues at once, but uses processor
    /// time while it spins. With zero the thread sleeps at once, which suits devices on battery power. For the store of
    /// a worker, this is an option of the builder.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use std::time::Duration;
    /// let store = ReactonStore::new();
    /// store.set_spin(Duration::ZERO);
    /// ```
    pub fn set_spin(&self, spin: Duration) {
        self.inbox().set_spin(spin);
    }
}

/// While it exists, the store waits for a condition. Its drop restores the earlier state, because waits may be nested.
struct AwaitsCondition<'i> {
    inbox: &'i Inbox,
    before: bool,
}

impl Drop for AwaitsCondition<'_> {
    fn drop(&mut self) {
        self.inbox.set_awaits_condition(self.before);
    }
}
