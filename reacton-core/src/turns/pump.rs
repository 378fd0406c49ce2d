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
        (!self.is_ended()).then(|| self.inbox().stage())
    }

    /// Takes in what was staged: so many items at most, and of transactions so many. Asks for more if there was none.
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

    /// In debug builds the layer above looks whether values are what it takes them for.
    #[inline]
    pub(super) fn note_turn(&self) {
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

    /// Whether something was reported as stale, and all that waited then was taken.
    #[inline]
    fn has_overdue(&self) -> bool {
        self.staleness().has_overdue(|| self.inbox().taken())
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

/// What was taken in.
#[derive(Default)]
pub(crate) struct Taken {
    /// Everything, control items too.
    pub(super) items: usize,
    pub(super) transactions: usize,
}

impl Taken {
    /// Items that are no transactions, such as the end of work that the worker has started.
    pub(crate) fn only_control(&self) -> bool {
        self.items > 0 && self.transactions == 0
    }
}
