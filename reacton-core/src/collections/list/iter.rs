//! The items and the ids of a list, from both ends.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;

use super::item::{ItemId, Place};
use crate::collections::tree;

/// The items of a [`ReactonList`](crate::ReactonList), in order.
pub struct Iter<'a, T>(pub(super) tree::Iter<'a, Place, Arc<T>>);

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        self.0.next().map(|(_, item)| &**item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a T> {
        self.0.nth(n).map(|(_, item)| &**item)
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(_, item)| &**item)
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T> FusedIterator for Iter<'_, T> {}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The ids, in the order of the items.
pub(super) struct Ids<'a, T>(pub(super) tree::Iter<'a, Place, Arc<T>>);

impl<T> Iterator for Ids<'_, T> {
    type Item = ItemId;

    fn next(&mut self) -> Option<ItemId> {
        self.0.next().map(|(place, _)| place.id)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<ItemId> {
        self.0.nth(n).map(|(place, _)| place.id)
    }
}

impl<T> DoubleEndedIterator for Ids<'_, T> {
    fn next_back(&mut self) -> Option<ItemId> {
        self.0.next_back().map(|(place, _)| place.id)
    }
}

impl<T> ExactSizeIterator for Ids<'_, T> {}
