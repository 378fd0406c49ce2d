//! Guards that change a list or a flag while they exist. A simulation needs them because its steps are nested.

use std::cell::{Cell, RefCell};

/// Adds a value to the end of a list while it exists.
pub(super) struct Listed<'l, T>(&'l RefCell<Vec<T>>);

impl<'l, T> Listed<'l, T> {
    pub(super) fn new(list: &'l RefCell<Vec<T>>, item: T) -> Self {
        list.borrow_mut().push(item);
        Self(list)
    }
}

impl<T> Drop for Listed<'_, T> {
    fn drop(&mut self) {
        let last = self.0.borrow_mut().pop();
        drop(last);
    }
}

/// Sets a cell to another value while it exists.
pub(super) struct Set<'c, T: Copy> {
    cell: &'c Cell<T>,
    before: T,
}

impl<'c, T: Copy> Set<'c, T> {
    pub(super) fn to(cell: &'c Cell<T>, value: T) -> Self {
        Self { cell, before: cell.replace(value) }
    }
}

impl<T: Copy> Drop for Set<'_, T> {
    fn drop(&mut self) {
        self.cell.set(self.before);
    }
}
