//! A log of what observers report, in the order of their calls.

use std::cell::RefCell;
use std::rc::Rc;

/// A list that a test and its observers share.
#[derive(Debug)]
pub struct Log<T>(Rc<RefCell<Vec<T>>>);

impl<T> Log<T> {
    /// Returns an empty list.
    pub fn new() -> Self {
        Self(Rc::default())
    }

    /// Adds an entry.
    pub fn push(&self, entry: T) {
        self.0.borrow_mut().push(entry);
    }

    /// Takes and returns the entries since the last call.
    pub fn take(&self) -> Vec<T> {
        self.0.take()
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}
