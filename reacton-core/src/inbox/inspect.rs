//! A look at the queued items of an inbox, without taking them. Items are numbered in the order in which they arrive,
//! from 1 on.

use std::collections::VecDeque;

use super::{Inbox, InboxItem};

impl<I: InboxItem> Inbox<I> {
    /// Calls `f` with everything that waits, and the number of the item before it.
    pub(crate) fn inspect<U>(&self, f: impl FnOnce(&VecDeque<I>, u64) -> U) -> U {
        f(&self.empty_channel(), self.taken.get())
    }

    /// Calls `f` with the item of this number, if it waits.
    pub(crate) fn inspect_one<U>(&self, number: u64, f: impl FnOnce(&I) -> U) -> Option<U> {
        self.staged.borrow().get(self.place(number)?).map(f)
    }

    /// As [`inspect_one`](Self::inspect_one), for an `f` that may be user code: nothing is borrowed meanwhile, and the item is back
    /// when it returns or panics. No item may be taken meanwhile.
    pub(crate) fn lend_one<U>(&self, number: u64, f: impl FnOnce(&I) -> U) -> Option<U> {
        let place = self.place(number)?;
        let item = std::mem::replace(self.staged.borrow_mut().get_mut(place)?, I::wake_up());
        let back = PutBack { inbox: self, place, item: Some(item) };
        back.item.as_ref().map(f)
    }

    /// Where the item of this number is in what was staged.
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.taken.get() + 1)?).ok()
    }
}

/// Puts an item back to where it was taken out.
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
            // The store has ended meanwhile.
            None => item,
        };
        // User code, if it is the item: outside of the borrow.
        drop(left);
    }
}
