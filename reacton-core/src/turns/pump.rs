//! Turns: the moments at which a store applies what other threads have sent to it.

use crate::store::ReactonStore;
use crate::store::turn_state::SLICE;

impl ReactonStore {
    /// Applies everything that has arrived. Observers are called once for each transaction. Never blocks.
    ///
    /// Returns the number of transactions. Inside a batch, a computed or an observer it applies nothing and returns 0.
    ///
    /// # Panics
    /// With the first panic of an observer. The transactions after this one stay queued for the next turn.
    pub fn pump(&self) -> usize {
        self.pump_at_most(usize::MAX)
    }

    /// As [`pump`](Self::pump), but applies at most `n` transactions, so that a burst of them leaves time for other
    /// work. Of other items, such as reads of a [`StoreHandle`](crate::StoreHandle), it processes at most `n` or 64,
    /// whichever is more.
    ///
    /// # Panics
    /// As [`pump`](Self::pump) does.
    pub fn pump_at_most(&self, n: usize) -> usize {
        // What arrives during this turn waits for the next one; otherwise a turn might never end.
        self.may_turn().map_or(0, |there| self.take_in(there, n).transactions)
    }

    /// Applies one item of any kind.
    pub(crate) fn pump_one(&self) {
        if let Some(there) = self.may_turn() {
            self.take_in(there.min(1), usize::MAX);
        }
    }

    /// The number of items for a turn that begins now; `None` if it may apply nothing.
    fn may_turn(&self) -> Option<usize> {
        if self.phase().is_busy() {
            self.turn_state().note_refused();
            return None;
        }
        self.note_turn();
        (!self.is_ended()).then(|| self.inbox().stage())
    }

    /// Applies staged items: at most so many items, and so many transactions. If there was none, the store counts as
    /// asking for a turn.
    pub(super) fn take_in(&self, items: usize, transactions: usize) -> Taken {
        let taken = self.take_items(items, transactions);
        if taken.transactions == 0 {
            self.ask();
        }
        taken
    }

    pub(super) fn take_items(&self, items: usize, transactions: usize) -> Taken {
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

    /// In debug builds: lets the extension check values at the beginning of a turn.
    #[inline]
    pub(super) fn note_turn(&self) {
        if cfg!(debug_assertions)
            && let Some(extension) = self.extension()
        {
            extension.turn_begins(self);
        }
    }

    /// Records that the store's thread asks for a turn: it has finished with what was applied before.
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

    /// Whether the store's thread has asked for a turn, and nothing is queued or expected from pending work.
    pub(crate) fn has_nothing_left(&self) -> bool {
        self.turn_state().asks() && self.inbox().is_idle()
    }

    /// Called when turns are possible again: wakes those whose turn was refused, if there is something to apply. A task
    /// that was polled meanwhile is woken in any case, because its poll did not look at the queue.
    pub(crate) fn notify_refused(&self) {
        if self.turn_state().take_refused() && !self.inbox().is_empty() {
            self.inbox().notify_again();
        }
        if self.turn_state().take_refused_task() {
            self.inbox().wake_tasks();
        }
    }

    /// Whether something was reported as stale and everything queued at that time was taken.
    #[inline]
    fn has_overdue(&self) -> bool {
        self.staleness().has_overdue(|| self.inbox().taken())
    }
}

/// When dropped, also after a panic of an observer: notifies for the items that a turn has left.
struct NotifyIfLeft<'s>(&'s ReactonStore);

impl Drop for NotifyIfLeft<'_> {
    fn drop(&mut self) {
        // After a panic, the next turn announces it.
        if self.0.has_overdue() {
            self.0.inbox().stage_wake_up();
        }
        self.0.inbox().notify_if_left();
        self.0.notify_if_refused();
    }
}

/// What a turn has applied.
#[derive(Default)]
pub(crate) struct Taken {
    /// All items, including control items.
    pub(super) items: usize,
    pub(super) transactions: usize,
}

impl Taken {
    /// Whether only items other than transactions were applied, such as the end of pending work.
    pub(crate) fn only_control(&self) -> bool {
        self.items > 0 && self.transactions == 0
    }
}
