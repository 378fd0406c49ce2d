//! Counts the values that streams of changes have received and no task has read: a drain of the store waits until they
//! are read.

use std::cell::Cell;

#[derive(Debug, Default)]
pub(crate) struct Unread {
    waiting: Cell<usize>,
    /// The number of values that were read, or dropped with their stream.
    read: Cell<u64>,
    /// A task waits until all are read.
    awaited: Cell<bool>,
    /// The value of `read` when a future or a stream last reported that nothing arrives any more although values were
    /// left.
    ended_at: Cell<Option<u64>>,
}

impl Unread {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.get() == 0
    }

    pub(crate) fn add(&self) {
        self.waiting.set(self.waiting.get() + 1);
    }

    /// Returns whether a task waited for this and all values are now read.
    pub(crate) fn subtract(&self, count: usize) -> bool {
        self.waiting.set(self.waiting.get().saturating_sub(count));
        self.read.set(self.read.get() + count as u64);
        self.is_empty() && self.awaited.replace(false)
    }

    pub(crate) fn read(&self) -> u64 {
        self.read.get()
    }

    /// Records that a task waits until all are read.
    pub(crate) fn set_awaited(&self) {
        self.awaited.set(true);
    }

    pub(crate) fn ended_at(&self) -> Option<u64> {
        self.ended_at.get()
    }

    pub(crate) fn set_ended_at(&self, read: u64) {
        self.ended_at.set(Some(read));
    }
}
