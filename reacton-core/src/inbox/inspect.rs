//! Reads queued items without removing them. Items are numbered in order of arrival, from 1.

use std::collections::VecDeque;

use super::{Inbox, InboxItem};

impl<I: InboxItem> Inbox<I> {
    /// Calls `f` with all queued items and the number of the item before the first.
    pub(crate) fn inspect<U>(&self, f: impl FnOnce(&VecDeque<I>, u64) -> U) -> U {
        f(&self.empty_channel(), self.taken.get())
    }

    /// Calls `f` with the item of this number, if it is still queued.
    pub(crate) fn inspect_one<U>(&self, number: u64, f: impl FnOnce(&I) -> U) -> Option<U> {
        self.staged.borrow().get(self.place(number)?).map(f)
    }

    /// As [`inspect_one`](Self::inspect_one), for an `f` that may run user code: nothing is borrowed during the call,
    /// and the item is put back when `f` returns or panics. No item may be taken during the call.
    pub(crate) fn lend_one<U>(&self, number: u64, f: impl FnOnce(&I) -> U) -> Option<U> {
        let place = self.place(number)?;
        let item = std::mem::replace(self.staged.borrow_mut().get_mut(place)?, I::wake_up());
        let back = PutBack { inbox: self, place, item: Some(item) };
        back.item.as_ref().map(f)
    }

    /// The index in `staged` of the item of this number.
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.taken.get() + 1)?).ok()
    }
}

/// Puts an item back in its place when dropped.
struct PutBack<'i, I: InboxItem> {
    inbox: &'i Inbox<I>,
    place: usize,
    item: Option<I>,
}

impl<I: InboxItem> Drop for PutBack<'_, I> {
    fn drop(&mut self) {
        let Some(item) = self.item.take() else { return };
        let left = match self.inbox.staged.borrow_mut().get_mut(self.place) {
            Some(place) => std::mem::replace(place, item),
            // The store has ended during the call.
            None => item,
        };
        // Dropping the item may run user code, so it happens outside of the borrow.
        drop(left);
    }
}
