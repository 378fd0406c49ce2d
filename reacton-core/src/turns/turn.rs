//! Turns: the moments at which a store takes in what other threads sent it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::error::RunError;
use crate::inbox::{Callback, Registration, Waited};
use crate::ops::subscription::Subscription;
use crate::store::ReactonStore;
use crate::store::item::Inbox;
use crate::store::turn_state::SLICE;
use crate::turns::handle::StoreHandle;
use crate::turns::nesting::{Nesting, Polled};

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

    /// As [`pump`](Self::pump), but takes in at most `n` transactions, so that a flood leaves time for other work; and of
    /// what is no transaction, such as a [`StoreHandle`]'s reads, at most as much, or 64 if that is more.
    ///
    /// # Panics
    /// As [`pump`](Self::pump) does.
    pub fn pump_at_most(&self, n: usize) -> usize {
        // What arrives while this goes on waits for the next turn; otherwise a flood would never let go.
        self.may_turn().map_or(0, |there| self.take_in(there, n).transactions)
    }

    /// Takes in one item, whatever it is.
    pub(crate) fn pump_one(&self) {
        if let Some(there) = self.may_turn() {
            self.take_in(there.min(1), usize::MAX);
        }
    }

    /// How many items a turn that begins now takes in; `None` if it may take in nothing.
    fn may_turn(&self) -> Option<usize> {
        if self.phase().is_busy() {
            self.turn_state().note_refused();
            return None;
        }
        self.note_turn();
        (!self.is_over()).then(|| self.inbox().stage())
    }

    /// Takes in what was staged: so many items at most, and of transactions so many. Asks for more if there was none.
    fn take_in(&self, items: usize, transactions: usize) -> Taken {
        let taken = self.take_items(items, transactions);
        if taken.transactions == 0 {
            self.ask();
        }
        taken
    }

    fn take_items(&self, items: usize, transactions: usize) -> Taken {
        let mut taken = Taken::default();
        if items == 0 {
            return taken;
        }
        let _notify = NotifyIfLeft(self);
        let span = tracing::trace_span!("turn", waiting = items, taken = tracing::field::Empty);
        let _span = span.enter();
        let steps = transactions.max(SLICE);
        while taken.items < items
            && taken.transactions < transactions
            && taken.items.saturating_sub(taken.transactions) < steps
            && !self.is_stopped()
        {
            let Some(arrival) = self.inbox().next() else {
                break;
            };
            taken.items += 1;
            self.turn_state().set_asks(false);
            taken.transactions += self.phase().turning(|| arrival.take_in(self));
            if self.has_overdue() {
                self.phase().turning(|| self.announce_overdue());
            }
        }
        span.record("taken", taken.transactions);
        taken
    }

    /// A task's part of a turn: as many of `items` as it may take in before it has to let other tasks run.
    pub(crate) fn take_slice(&self, items: usize) -> Taken {
        let state = self.turn_state();
        // Used up beforehand: an observer that panics must not make the slice endless.
        let slice = items.min(state.allowance());
        state.use_up(slice);
        self.take_items(slice, usize::MAX)
    }

    /// A task asks for more. During a drain it does not before what streams have received is read: the tasks that read it run
    /// first. `patience` is how much had been read when this task last let them run.
    pub(crate) fn ask_as_task(&self, patience: &mut Option<u64>) -> Asked {
        let (inbox, state) = (self.inbox(), self.turn_state());
        let unread = state.unread();
        if !state.is_draining() || unread.is_empty() {
            self.ask();
            return Asked::Waits;
        }
        unread.set_awaited();
        if !inbox.is_idle() {
            return Asked::Waits;
        }
        if patience.replace(unread.read()) != Some(unread.read()) {
            return Asked::GivesWay;
        }
        // Nothing was read: it may be this task that is to read it, as soon as it waits no more.
        if state.asking(|| self.is_disposed()) { Asked::Ends } else { Asked::Waits }
    }

    /// Whether the futures and streams of the store are to say that it is over.
    pub(crate) fn is_over_for_tasks(&self) -> bool {
        self.is_stopped() || (self.turn_state().unread().is_empty() && self.is_disposed())
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
        self.note_turn();
        self.await_arrival(self.now().checked_add(timeout));
        self.pump()
    }

    /// Takes turns until `done` holds; it is asked before the first turn, after each, and once more before an error is
    /// returned. A long backlog is taken in over several turns, so that neither the condition nor the timeout waits for
    /// all of it.
    ///
    /// A condition may depend on something outside of the store. It is asked again when the statistics of a pool
    /// change. A change of anything else, such as an atomic or the time, does not end the wait: the condition is asked
    /// at the next arrival or at the deadline.
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
        let deadline = self.now().checked_add(timeout);
        let inbox = self.inbox();
        let _awaits = AwaitsCondition { inbox, before: inbox.set_awaits_condition(true) };
        loop {
            // Before `done`, which may read what this writes.
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
                // `done` took a turn, and may have read something before what that turn took in.
                continue;
            }
            let error = match self.await_arrival(deadline) {
                Waited::Arrived => {
                    let late = is_late();
                    // In slices: a backlog must not outlast the timeout.
                    self.take_in(inbox.stage().min(SLICE), usize::MAX);
                    if !late {
                        continue;
                    }
                    RunError::TimedOut
                }
                Waited::TimedOut => RunError::TimedOut,
                Waited::Disconnected => RunError::Disconnected,
            };
            // What it depends on need not be in this store: an atomic, a clock.
            return if done(self) { Ok(()) } else { Err(error) };
        }
    }

    /// In debug builds the layer above looks whether values are what it takes them for.
    #[inline]
    fn note_turn(&self) {
        if cfg!(debug_assertions)
            && let Some(extension) = self.extension()
        {
            extension.turn_begins(self);
        }
    }

    /// The store's thread asks for more: it is done with what was taken in before.
    pub(crate) fn ask(&self) {
        let state = self.turn_state();
        state.set_asks(true);
        if state.is_draining()
            && self.has_nothing_left()
            && let Some(extension) = self.extension()
        {
            extension.drained(self);
        }
    }

    /// Whether the store's thread has asked for a turn, and nothing is there, nor on its way from work that it has started.
    pub(crate) fn has_nothing_left(&self) -> bool {
        self.turn_state().asks() && self.inbox().is_idle()
    }

    /// A turn would not be refused any more: what was woken is woken again, if there is something to apply. A task that was polled is
    /// woken whether or not there is: its poll did not look.
    pub(crate) fn notify_refused(&self) {
        if self.turn_state().take_refused() && !self.inbox().is_empty() {
            self.inbox().notify_again();
        }
        if self.turn_state().take_refused_task() {
            self.inbox().wake_tasks();
        }
    }

    /// So many values of a stream were read, or dropped with it. Tasks that waited for that are woken.
    pub(crate) fn note_read(&self, count: usize) {
        if self.turn_state().unread().subtract(count) {
            self.inbox().notify_again();
        }
    }

    /// Whether something was reported as stale, and all that waited then was taken.
    #[inline]
    fn has_overdue(&self) -> bool {
        self.staleness().has_overdue(|| self.inbox().taken())
    }

    fn await_arrival(&self, deadline: Option<Instant>) -> Waited {
        self.ask();
        if self.turn_state().is_draining() && self.is_disposed() {
            return Waited::Disconnected;
        }
        self.wait_for_arrival(deadline)
    }

    /// A future of the next turn: it takes in what has arrived, waiting for something if there is nothing, and
    /// gives the number of transactions. It runs on any executor of this thread.
    ///
    /// It gives 0 when nothing can arrive any more. Inside a batch, a computed or an observer a turn takes in nothing. A task
    /// that has waited before, and is polled there by an executor that is run there, goes on waiting, and is woken afterwards. A
    /// `block_on` of a new turn there gives 0, after some polls, with a warning by tracing. What arrives while a turn goes on
    /// waits for the next one.
    /// What the turn of another task has taken in is counted there: let one task take turns, and the others
    /// await [`changes`](Self::changes).
    ///
    /// It is fair: a long backlog is taken in by many polls, and between them the other tasks of the executor run. So do
    /// they between turns, if there is always something to take in.
    ///
    /// It is cancel-safe: dropped at any time, it has taken in whole transactions, and what is left waits for the next
    /// turn. Only the count is lost.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # type Reacton<T> = reacton_core::Reacton<T>;
    /// # static COUNT: Reacton<u32> = Reacton::<u32>::__new("doc::COUNT", || 0);
    /// # futures_lite::future::block_on(async {
    /// // #[reacton] static COUNT: u32 = 0;
    /// let store = ReactonStore::new();
    /// let handle = store.handle();
    /// let elsewhere = std::thread::spawn(move || (1..=3).for_each(|n| handle.set(&COUNT, n)));
    /// // Until no isolate and no handle is left.
    /// while store.turn().await > 0 {}
    /// assert_eq!(store.get(&COUNT), 3);
    /// # elsewhere.join().unwrap();
    /// # });
    /// ```
    pub fn turn(&self) -> Turn {
        Turn {
            store: self.clone(),
            waiting: Registration::default(),
            left: 0,
            taken: 0,
            gave_way: false,
            nesting: Nesting::default(),
            patience: None,
        }
    }

    /// Calls `f` from the sending thread when something arrives: poke your event loop with it, then take a turn there.
    ///
    /// It is called once until the next turn, however much arrives; and at once if something is there already.
    /// A panic in it is swallowed. Each call adds one: what is returned takes it off again, such as before a window is made
    /// anew. A turn that is refused, because it is asked for in the middle of something, is asked for again after that.
    pub fn on_wake(&self, f: impl Fn() + Send + Sync + 'static) -> Subscription {
        let wake: Callback = Arc::new(f);
        Subscription::to_waker(self, self.inbox().add_callback(&wake))
    }

    /// How long this store spins, yielding, before it sleeps in [`wait`](Self::wait), [`run_until`](Self::run_until) or
    /// a shutdown: 20 µs by default where the process may use more than one core, whatever the affinity of its threads.
    ///
    /// Waking a thread that sleeps takes tens of microseconds, one that spins is there at once; but it takes processor
    /// time for as long. Zero sleeps at once, for devices that run on a battery. A worker's own is an option of its builder.
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

    /// A handle by which any thread can read and write this store.
    pub fn handle(&self) -> StoreHandle {
        self.inbox().handle()
    }
}

/// While it lives, the store waits for a condition. Afterwards it is as before: this condition may be part of another.
struct AwaitsCondition<'i> {
    inbox: &'i Inbox,
    before: bool,
}

impl Drop for AwaitsCondition<'_> {
    fn drop(&mut self) {
        self.inbox.set_awaits_condition(self.before);
    }
}

/// Notifies for what a turn has left, also when an observer panicked.
struct NotifyIfLeft<'s>(&'s ReactonStore);

impl Drop for NotifyIfLeft<'_> {
    fn drop(&mut self) {
        // After a panic: the next turn announces it.
        if self.0.has_overdue() {
            self.0.inbox().stage_wake_up();
        }
        self.0.inbox().notify_if_left();
        self.0.notify_if_refused();
    }
}

/// What becomes of a task that has asked for more.
pub(crate) enum Asked {
    /// It waits, unless the store is over.
    Waits,
    /// The other tasks run first.
    GivesWay,
    /// Nothing arrives any more, but the store is not over: values are left unread.
    Ends,
}

/// What was taken in.
#[derive(Default)]
pub(crate) struct Taken {
    /// Everything, also what only steers.
    items: usize,
    transactions: usize,
}

impl Taken {
    /// Items that are no transactions, such as the end of work that the worker has started.
    pub(crate) fn only_steers(&self) -> bool {
        self.items > 0 && self.transactions == 0
    }
}

/// The next turn of a store; see [`ReactonStore::turn`].
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Turn {
    store: ReactonStore,
    waiting: Registration,
    /// What was there when the turn began, and is not taken in yet.
    left: usize,
    taken: usize,
    gave_way: bool,
    nesting: Nesting,
    /// How many values of streams had been read when it last let the tasks run that read them.
    patience: Option<u64>,
}

impl Turn {
    /// Lets other tasks run, and is polled again.
    fn give_way(&self, context: &Context<'_>) -> Poll<usize> {
        context.waker().wake_by_ref();
        self.rest()
    }

    fn rest(&self) -> Poll<usize> {
        self.store.turn_state().give_way();
        Poll::Pending
    }

    fn is_over(&self) -> bool {
        self.store.is_over_for_tasks() || self.store.inbox().is_disconnected()
    }

    /// Ends although streams hold values: that does not count as the end of the store.
    fn end_beside_unread(&self, context: &Context<'_>) -> Poll<usize> {
        let state = self.store.turn_state();
        let read = state.unread().read();
        if state.is_driven() && state.unread().ended_at() == Some(read) {
            // So that what runs an async worker sees a loop that ignores the end, and reads nothing.
            state.note_asked_again();
            return self.give_way(context);
        }
        state.unread().set_ended_at(read);
        Poll::Ready(self.taken)
    }
}

impl Future for Turn {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        let this = &mut *self;
        let gave_way = std::mem::replace(&mut this.gave_way, true);
        if !this.store.is_disposed() {
            // Registered first: what arrives in between is seen by the look that follows.
            this.store.inbox().register(&mut this.waiting, context.waker());
        }
        if this.is_over() && !gave_way {
            // Once, so that a loop of turns lets whoever runs it see that it is over.
            if this.store.turn_state().has_reported_end() {
                this.store.turn_state().note_asked_again();
            }
            return this.give_way(context);
        }
        loop {
            if this.is_over() {
                this.store.turn_state().note_end();
                return Poll::Ready(this.taken);
            }
            match this.nesting.note(&this.store, context, "turn") {
                Polled::Outside => {}
                Polled::Waits => return this.rest(),
                Polled::Ends => return Poll::Ready(this.taken),
            }
            if this.store.turn_state().allowance() == 0 {
                // The executor may have other tasks to poll.
                return this.give_way(context);
            }
            if this.left == 0 {
                this.store.note_turn();
                this.left = this.store.inbox().stage();
            }
            if this.left == 0 {
                match this.store.ask_as_task(&mut this.patience) {
                    Asked::Waits => {}
                    Asked::GivesWay => return this.give_way(context),
                    Asked::Ends => return this.end_beside_unread(context),
                }
                if this.is_over() || this.store.step_peers() {
                    continue;
                }
                return this.rest();
            }
            let slice = this.left.min(this.store.turn_state().allowance());
            let taken = this.store.take_slice(slice);
            this.taken += taken.transactions;
            // Less than a slice was there: another turn has taken in the rest.
            this.left = if taken.items < slice { 0 } else { this.left - slice };
            if this.left == 0 && this.taken > 0 {
                return Poll::Ready(this.taken);
            }
            if taken.only_steers() && this.store.turn_state().is_draining() {
                // Tasks that it has woken run before this one says that the store is over.
                return this.give_way(context);
            }
            // There is more, or what arrived only steered.
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.store.inbox().remove_task(&mut self.waiting);
    }
}
