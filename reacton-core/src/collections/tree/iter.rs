//! The entries between two positions, from both ends.

use std::iter::{FusedIterator, Zip, zip};
use std::ops::Range;
use std::slice;

use super::Tree;
use super::node::Leaf;

/// Entries in the order of their keys.
// After each leaf, the next one is found by a descent from the root. That needs no stack, and is rare.
pub(crate) struct Iter<'a, K, V> {
    tree: &'a Tree<K, V>,
    front: Pairs<'a, K, V>,
    /// The positions that neither end of the iterator has reached.
    start: usize,
    end: usize,
    back: Pairs<'a, K, V>,
}

/// Entries of one leaf.
pub(super) type Pairs<'a, K, V> = Zip<slice::Iter<'a, K>, slice::Iter<'a, V>>;

pub(super) fn pairs<K, V>(leaf: &Leaf<K, V>, positions: Range<usize>) -> Pairs<'_, K, V> {
    zip(&leaf.keys[positions.clone()], &leaf.values[positions])
}

impl<'a, K, V> Iter<'a, K, V> {
    pub(super) fn new(tree: &'a Tree<K, V>, start: usize, end: usize) -> Self {
        Self { tree, front: zip(&[], &[]), start, end, back: zip(&[], &[]) }
    }

    fn load_front(&mut self) {
        if self.start < self.end
            && let Some((leaf, at)) = self.tree.leaf_at(self.start)
        {
            let to = leaf.len().min(at + (self.end - self.start));
            self.front = pairs(leaf, at..to);
            self.start += to - at;
        }
    }

    fn load_back(&mut self) {
        if self.start < self.end
            && let Some((leaf, last)) = self.tree.leaf_at(self.end - 1)
        {
            let from = (last + 1).saturating_sub(self.end - self.start);
            self.back = pairs(leaf, from..last + 1);
            self.end -= last + 1 - from;
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front.len() == 0 {
            self.load_front();
        }
        self.front.next().or_else(|| self.back.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.front.len() + (self.end - self.start) + self.back.len();
        (left, Some(left))
    }

    fn nth(&mut self, mut n: usize) -> Option<Self::Item> {
        if n >= self.front.len() {
            n -= self.front.len();
            self.front = zip(&[], &[]);
            let skipped = n.min(self.end - self.start);
            self.start += skipped;
            n -= skipped;
            self.load_front();
        }
        self.front.nth(n).or_else(|| self.back.nth(n))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back.len() == 0 {
            self.load_back();
        }
        self.back.next_back().or_else(|| self.front.next_back())
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

impl<K, V> FusedIterator for Iter<'_, K, V> {}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { front: self.front.clone(), back: self.back.clone(), ..*self }
    }
}
