//! The state of a store's turns: which were refused, whether the store drains, and how many items its tasks may still
//! take.

use std::cell::Cell;

use super::unread::Unread;

/// The number of items applied in a row where others wait: a condition and a timeout, or the other tasks of an
/// executor.
pub(crate) const SLICE: usize = 64;

#[derive(Default)]
pub(crate) struct TurnState {
    /// A turn was refused, and its callers have not been woken again.
    refused: Cell<bool>,
    /// A task was polled where no turn was possible.
    refused_task: Cell<bool>,
    /// The store's thread has asked for a turn since the last transaction was applied: it has finished with that one.
    asks: Cell<bool>,
    /// The store is to end once it asks for a turn and nothing is left.
    draining: Cell<bool>,
    end: Cell<End>,
    /// An async worker runs on the store, or has not asked for a turn since its end.
    driven: Cell<bool>,
    /// The number of items that tasks have taken since one of them last yielded.
    taken_in_a_row: Cell<usize>,
    unread: Unread,
}

/// What the futures and streams of a store have reported about its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum End {
    /// Nothing yet.
    #[default]
    Unreported,
    /// A turn returned 0, or a stream ended.
    Reported,
    /// Another turn was asked for after that.
    AskedAgain,
}

impl TurnState {
    /// Records that a turn was asked for in a batch, a computed or an observer, and has applied nothing.
    pub(crate) fn note_refused(&self) {
        self.refused.set(true);
    }

    /// Records that a waiting task was polled there.
    pub(crate) fn note_refused_task(&self) {
        self.refused_task.set(true);
    }

    /// Whether a turn or a task was refused and has not been woken again.
    #[inline]
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.get() | self.refused_task.get()
    }

    pub(crate) fn take_refused(&self) -> bool {
        self.refused.replace(false)
    }

    pub(crate) fn take_refused_task(&self) -> bool {
        self.refused_task.replace(false)
    }

    #[inline]
    pub(crate) fn set_asks(&self, asks: bool) {
        self.asks.set(asks);
    }

    pub(crate) fn asks(&self) -> bool {
        self.asks.get()
    }

    /// Sets `asks` while `f` runs.
    pub(crate) fn asking<U>(&self, f: impl FnOnce() -> U) -> U {
        let before = self.asks.replace(true);
        let result = f();
        self.asks.set(before);
        result
    }

    /// The values that streams have received and no task has read.
    pub(crate) fn unread(&self) -> &Unread {
        &self.unread
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    pub(crate) fn set_draining(&self) {
        self.draining.set(true);
    }

    /// Records that a future or a stream has reported the end of the store.
    pub(crate) fn note_end(&self) {
        self.end.set(self.end.get().max(End::Reported));
    }

    pub(crate) fn has_reported_end(&self) -> bool {
        self.end.get() >= End::Reported
    }

    /// Records that a turn was asked for after that report.
    pub(crate) fn note_asked_again(&self) {
        self.end.set(End::AskedAgain);
    }

    pub(crate) fn was_asked_again(&self) -> bool {
        self.end.get() == End::AskedAgain
    }

    pub(crate) fn is_driven(&self) -> bool {
        self.driven.get()
    }

    pub(crate) fn set_driven(&self, driven: bool) {
        self.driven.set(driven);
    }

    /// The number of items that tasks may take before one of them has to yield.
    pub(crate) fn allowance(&self) -> usize {
        SLICE.saturating_sub(self.taken_in_a_row.get())
    }

    /// Records that a task has taken this many items and continues.
    pub(crate) fn use_up(&self, items: usize) {
        self.taken_in_a_row.set(self.taken_in_a_row.get() + items);
    }

    /// Records that a task yields.
    pub(crate) fn give_way(&self) {
        self.taken_in_a_row.set(0);
    }
}
