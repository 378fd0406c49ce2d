//! The entries between two positions, from both ends.

use std::iter::FusedIterator;
use std::slice;

use super::Tree;

/// Entries in the order of their keys.
// A leaf that is used up is followed by a descent to the next: that needs no stack, and is rare.
pub(crate) struct Iter<'a, K, V> {
    tree: &'a Tree<K, V>,
    front: slice::Iter<'a, (K, V)>,
    /// The positions that neither end has reached.
    start: usize,
    end: usize,
    back: slice::Iter<'a, (K, V)>,
}

impl<'a, K, V> Iter<'a, K, V> {
    pub(super) fn new(tree: &'a Tree<K, V>, start: usize, end: usize) -> Self {
        Self { tree, front: [].iter(), start, end, back: [].iter() }
    }

    fn load_front(&mut self) {
        if self.start < self.end
            && let Some((entries, at)) = self.tree.leaf_at(self.start)
        {
            let to = entries.len().min(at + (self.end - self.start));
            self.front = entries[at..to].iter();
            self.start += to - at;
        }
    }

    fn load_back(&mut self) {
        if self.start < self.end
            && let Some((entries, last)) = self.tree.leaf_at(self.end - 1)
        {
            let from = (last + 1).saturating_sub(self.end - self.start);
            self.back = entries[from..=last].iter();
            self.end -= last + 1 - from;
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front.as_slice().is_empty() {
            self.load_front();
        }
        let (key, value) = self.front.next().or_else(|| self.back.next())?;
        Some((key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.front.len() + (self.end - self.start) + self.back.len();
        (left, Some(left))
    }

    fn nth(&mut self, mut n: usize) -> Option<Self::Item> {
        if n >= self.front.len() {
            n -= self.front.len();
            self.front = [].iter();
            let skipped = n.min(self.end - self.start);
            self.start += skipped;
            n -= skipped;
            self.load_front();
        }
        let (key, value) = self.front.nth(n).or_else(|| self.back.nth(n))?;
        Some((key, value))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back.as_slice().is_empty() {
            self.load_back();
        }
        let (key, value) = self.back.next_back().or_else(|| self.front.next_back())?;
        Some((key, value))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

impl<K, V> FusedIterator for Iter<'_, K, V> {}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { front: self.front.clone(), back: self.back.clone(), ..*self }
    }
}
