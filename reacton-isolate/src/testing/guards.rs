//! What a step changes for as long as it lasts: a list of stores, a depth.

use std::cell::{Cell, RefCell};

use reacton_core::ReactonStore;

/// A store that is the last of a list while this lives.
pub(super) struct Listed<'l>(&'l RefCell<Vec<ReactonStore>>);

impl<'l> Listed<'l> {
    pub(super) fn new(list: &'l RefCell<Vec<ReactonStore>>, store: ReactonStore) -> Self {
        list.borrow_mut().push(store);
        Self(list)
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let last = self.0.borrow_mut().pop();
        drop(last);
    }
}

/// A number that is larger by one while this lives.
pub(super) struct Raised<'c>(&'c Cell<usize>);

impl<'c> Raised<'c> {
    pub(super) fn by_one(cell: &'c Cell<usize>) -> Self {
        cell.set(cell.get() + 1);
        Self(cell)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
