//! A sorted map that is copied in constant time and counts its entries: a B+tree whose nodes are shared by reference count.
//!
//! A write copies the nodes on its path that something else holds, and edits the others in place. Each inner node has
//! the number of entries below each of its children, so the entry at a position and the position of a key are found in
//! one descent.

mod build;
mod diff;
mod insert;
mod iter;
mod node;
mod remove;

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

pub(crate) use iter::Iter;
use node::{Child, Inner, Leaf, Node};

/// Keys and values, sorted by key. A clone shares all nodes with what it was cloned from.
pub(crate) struct Tree<K, V> {
    /// `None` if there are no entries.
    root: Option<Child<K, V>>,
}

impl<K, V> Tree<K, V> {
    pub(crate) const fn new() -> Self {
        Self { root: None }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.len)
    }

    fn root(&self) -> Option<&Node<K, V>> {
        self.root.as_ref().map(|root| &*root.node)
    }

    /// Whether the two share all of their nodes.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (Some(this), Some(other)) => Arc::ptr_eq(&this.node, &other.node),
            (None, None) => true,
            _ => false,
        }
    }

    /// The entry of a key.
    pub(crate) fn get_entry<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        self.root()?.get(key)
    }

    #[inline]
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_entry(key).map(|(_, value)| value)
    }

    /// The entry at a position.
    pub(crate) fn nth(&self, position: usize) -> Option<(&K, &V)> {
        let (leaf, at) = self.leaf_at(position)?;
        leaf.entry(at)
    }

    /// The leaf that has the entry at a position, and its place there.
    fn leaf_at(&self, position: usize) -> Option<(&Leaf<K, V>, usize)> {
        let mut at = position;
        let mut node = self.root()?;
        loop {
            match node {
                Node::Leaf(leaf) => return (at < leaf.len()).then_some((leaf, at)),
                Node::Inner(Inner { children, .. }) => {
                    let mut children = children.iter();
                    node = loop {
                        let child = children.next()?;
                        if at < child.len {
                            break &child.node;
                        }
                        at -= child.len;
                    };
                }
            }
        }
    }

    /// The number of smaller keys, and whether the key itself exists.
    pub(crate) fn rank<Q: Ord + ?Sized>(&self, key: &Q) -> (usize, bool)
    where
        K: Borrow<Q>,
    {
        let mut before = 0;
        let Some(mut node) = self.root() else { return (0, false) };
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let found = leaf.find(key);
                    return (before + found.unwrap_or_else(|at| at), found.is_ok());
                }
                Node::Inner(inner) => {
                    let at = inner.child_of(key);
                    before += inner.children[..at].iter().map(|child| child.len).sum::<usize>();
                    node = &inner.children[at].node;
                }
            }
        }
    }

    /// All entries, in the order of the keys.
    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(self, 0, self.len())
    }

    /// The entries at the positions from `start` up to `end`, as far as they exist.
    pub(crate) fn positions(&self, start: usize, end: usize) -> Iter<'_, K, V> {
        let end = end.min(self.len());
        Iter::new(self, start.min(end), end)
    }

    /// The entries whose keys are in a range; none if it ends before it begins.
    pub(crate) fn range<Q: Ord + ?Sized>(&self, range: &impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let start = match range.start_bound() {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.rank(key).0,
            Bound::Excluded(key) => self.after(key),
        };
        let end = match range.end_bound() {
            Bound::Unbounded => self.len(),
            Bound::Excluded(key) => self.rank(key).0,
            Bound::Included(key) => self.after(key),
        };
        self.positions(start, end)
    }

    /// The number of keys that are smaller or equal.
    fn after<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let (before, is_there) = self.rank(key);
        before + usize::from(is_there)
    }
}

impl<K, V> Clone for Tree<K, V> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone() }
    }
}

impl<K, V> Default for Tree<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
