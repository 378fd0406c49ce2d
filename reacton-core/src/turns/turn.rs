//! A turn as a future, and how the tasks of an executor share it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::inbox::Registration;
use crate::store::ReactonStore;
use crate::turns::nesting::{Nesting, Polled};
use crate::turns::pump::Taken;

/// The next turn of a store; see [`ReactonStore::turn`].
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Turn {
    store: ReactonStore,
    waiting: Registration,
    /// How many of the items that were queued when the turn began are left.
    left: usize,
    taken: usize,
    gave_way: bool,
    nesting: Nesting,
    /// The number of values read from streams when it last yielded to the tasks that read them.
    patience: Option<u64>,
}

impl ReactonStore {
    /// A future of the next turn. It waits until something arrives, applies it, and returns the number of transactions.
    /// It runs on any executor of this thread.
    ///
    /// It returns 0 when nothing can arrive any more. What arrives during the turn stays queued for the next one. If
    /// several tasks take turns, each future counts only the transactions that its own polls applied. So let one task
    /// take turns, and let the others await [`changes`](Self::changes).
    ///
    /// Inside a batch, a computed or an observer a turn applies nothing. Do not await one there: a `block_on` of a new
    /// turn returns 0 after some polls, and logs a warning to tracing. If an executor runs there, a task that already
    /// waited for a turn keeps waiting, and is woken afterwards.
    ///
    /// It does not block the executor: it applies a long queue in many polls, and other tasks run between them. Other
    /// tasks also run between two turns, even if there is always something to apply.
    ///
    /// It is cancel-safe: whenever it is dropped, it has applied whole transactions, and the others stay queued for the
    /// next turn. Only the count is lost.
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

    /// Applies a task's share of a turn: at most `items`, and at most what it may apply before it has to yield.
    pub(crate) fn take_slice(&self, items: usize) -> Taken {
        let state = self.turn_state();
        // Counted beforehand, so that an observer that panics does not make the share endless.
        let slice = items.min(state.allowance());
        state.use_up(slice);
        self.take_items(slice, usize::MAX)
    }

    /// Called when a task asks for a turn. During a drain, tasks that still have to read values of streams run first.
    /// `patience` is the number of values read when this task last yielded to them.
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
            return Asked::Yields;
        }
        // Nothing was read since: perhaps this very task is to read it, once it stops waiting.
        if state.asking(|| self.is_disposed()) { Asked::Ends } else { Asked::Waits }
    }

    /// Whether the futures and streams of the store should report its end.
    pub(crate) fn is_over_for_tasks(&self) -> bool {
        self.is_stopped() || (self.turn_state().unread().is_empty() && self.is_disposed())
    }

    /// Records that this many values of a stream were read, or dropped with it. Wakes the tasks that wait for that.
    pub(crate) fn note_read(&self, count: usize) {
        if self.turn_state().unread().subtract(count) {
            self.inbox().notify_again();
        }
    }
}

/// What a task that has asked for a turn does next.
pub(crate) enum Asked {
    /// It waits, unless the store has ended.
    Waits,
    /// It yields to the other tasks.
    Yields,
    /// It ends: nothing can arrive any more, but values are left unread.
    Ends,
}

impl Turn {
    /// Yields to other tasks, and asks to be polled again.
    fn give_way(&self, context: &Context<'_>) -> Poll<usize> {
        context.waker().wake_by_ref();
        self.rest()
    }

    fn rest(&self) -> Poll<usize> {
        self.store.turn_state().give_way();
        Poll::Pending
    }

    fn is_ended(&self) -> bool {
        self.store.is_over_for_tasks() || self.store.inbox().is_disconnected()
    }

    /// Ends although streams hold unread values: that does not count as the end of the store.
    fn end_beside_unread(&self, context: &Context<'_>) -> Poll<usize> {
        let state = self.store.turn_state();
        let read = state.unread().read();
        if state.is_driven() && state.unread().ended_at() == Some(read) {
            // Lets the driver of an async worker detect a loop that ignores the end and reads nothing.
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
            // Registered first, so that the check below sees what arrived before, and a later arrival wakes the task.
            this.store.inbox().register(&mut this.waiting, context.waker());
        }
        if this.is_ended() && !gave_way {
            // Yields once, so that a loop of turns lets the executor notice the end.
            if this.store.turn_state().has_reported_end() {
                this.store.turn_state().note_asked_again();
            }
            return this.give_way(context);
        }
        loop {
            if this.is_ended() {
                this.store.turn_state().note_end();
                return Poll::Ready(this.taken);
            }
            match this.nesting.note(&this.store, context, "turn") {
                Polled::Outside => {}
                Polled::Waits => return this.rest(),
                Polled::Ends => return Poll::Ready(this.taken),
            }
            if this.store.turn_state().allowance() == 0 {
                // Other tasks of the executor may have to be polled.
                return this.give_way(context);
            }
            if this.left == 0 {
                this.store.note_turn();
                this.left = this.store.inbox().stage();
            }
            if this.left == 0 {
                match this.store.ask_as_task(&mut this.patience) {
                    Asked::Waits => {}
                    Asked::Yields => return this.give_way(context),
                    Asked::Ends => return this.end_beside_unread(context),
                }
                if this.is_ended() || this.store.step_peers() {
                    continue;
                }
                return this.rest();
            }
            let slice = this.left.min(this.store.turn_state().allowance());
            let taken = this.store.take_slice(slice);
            this.taken += taken.transactions;
            // Fewer items were queued than its share: another turn has applied the rest.
            this.left = if taken.items < slice { 0 } else { this.left - slice };
            if this.left == 0 && this.taken > 0 {
                return Poll::Ready(this.taken);
            }
            if taken.only_control() && this.store.turn_state().is_draining() {
                // The tasks that it has woken run before this one reports the end of the store.
                return this.give_way(context);
            }
            // Items are left, or only control items have arrived.
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.store.inbox().remove_task(&mut self.waiting);
    }
}
