//! The difference of two trees. Nodes that both share are skipped, so the cost depends on the number of differences.

use std::cmp::Ordering;
use std::iter::zip;
use std::sync::Arc;

use super::iter::{Pairs, pairs};
use super::{Child, Inner, Node, Tree};

/// An iterator over the keys outside of the nodes that both trees share, with their values in both.
pub(crate) struct Difference<'a, K, V> {
    old: Cursor<'a, K, V>,
    new: Cursor<'a, K, V>,
}

/// A key, with its values in the old and in the new tree.
pub(crate) type Differing<'a, K, V> = (&'a K, Option<&'a V>, Option<&'a V>);

impl<K: Ord, V> Tree<K, V> {
    /// The entries in which `new` may differ from this tree, in the order of the keys. Values are not compared.
    pub(crate) fn difference<'a>(&'a self, new: &'a Self) -> Difference<'a, K, V> {
        Difference { old: Cursor::new(self), new: Cursor::new(new) }
    }
}

/// The part of a tree that is still to be compared: subtrees, and the entries of one leaf before them.
struct Cursor<'a, K, V> {
    /// The subtrees in reverse order, each with its height.
    subtrees: Vec<(&'a Child<K, V>, usize)>,
    entries: Pairs<'a, K, V>,
}

impl<'a, K, V> Cursor<'a, K, V> {
    fn new(tree: &'a Tree<K, V>) -> Self {
        let mut height = 0;
        let mut node = tree.root();
        while let Some(Node::Inner(Inner { children, .. })) = node {
            height += 1;
            node = children.first().map(|child| &*child.node);
        }
        Self {
            subtrees: tree.root.iter().map(|root| (root, height)).collect(),
            entries: zip(&[], &[]),
        }
    }

    /// The subtree that comes next, if no entry does.
    fn subtree(&self) -> Option<(&'a Child<K, V>, usize)> {
        if self.entries.len() == 0 { self.subtrees.last().copied() } else { None }
    }

    fn skip(&mut self) {
        self.subtrees.pop();
    }

    /// Opens the subtree that comes next.
    fn open(&mut self) {
        let Some((child, height)) = self.subtrees.pop() else { return };
        match &*child.node {
            Node::Leaf(leaf) => self.entries = pairs(leaf, 0..leaf.len()),
            Node::Inner(Inner { children, .. }) => {
                self.subtrees.extend(children.iter().rev().map(|child| (child, height - 1)));
            }
        }
    }

    /// The smallest key that is left.
    fn first(&self) -> Option<&'a K> {
        if let Some((key, _)) = self.entries.clone().next() {
            return Some(key);
        }
        let mut node = &*self.subtrees.last()?.0.node;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.keys.first(),
                Node::Inner(Inner { children, .. }) => node = &children.first()?.node,
            }
        }
    }

    /// Takes out the entry that comes next.
    fn take(&mut self) -> Option<(&'a K, &'a V)> {
        while self.entries.len() == 0 && !self.subtrees.is_empty() {
            self.open();
        }
        self.entries.next()
    }
}

impl<'a, K: Ord, V> Iterator for Difference<'a, K, V> {
    type Item = Differing<'a, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { old, new } = self;
        loop {
            let order = match (old.first(), new.first()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.cmp(new),
            };
            match order {
                Ordering::Less => return old.take().map(|(key, value)| (key, Some(value), None)),
                Ordering::Greater => {
                    return new.take().map(|(key, value)| (key, None, Some(value)));
                }
                Ordering::Equal => {}
            }
            match (old.subtree(), new.subtree()) {
                (Some((one, _)), Some((two, _))) if Arc::ptr_eq(&one.node, &two.node) => {
                    old.skip();
                    new.skip();
                }
                (Some((_, high)), Some((_, low))) if high > low => old.open(),
                (Some((_, low)), Some((_, high))) if high > low => new.open(),
                (None, None) => {
                    let ((_, old), (key, new)) = (old.take()?, new.take()?);
                    return Some((key, Some(old), Some(new)));
                }
                // Both, or the only one.
                _ => {
                    if old.subtree().is_some() {
                        old.open();
                    }
                    if new.subtree().is_some() {
                        new.open();
                    }
                }
            }
        }
    }
}
