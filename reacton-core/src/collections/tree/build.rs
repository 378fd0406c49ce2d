//! Trees that are made of many entries at once.

use super::node::{CAPACITY, Leaf, List};
use super::{Child, Inner, Node, Tree};

impl<K: Clone, V> Tree<K, V> {
    /// Makes a tree of sorted entries. Keys are not compared.
    pub(crate) fn from_sorted(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::build(entries, |first| Some(first.clone()))
    }

    /// The keys of these sorted ones that a tree of them needs twice.
    pub(crate) fn separators<'k>(keys: impl Iterator<Item = &'k K>) -> Vec<K>
    where
        K: 'k,
    {
        keys.step_by(CAPACITY).skip(1).cloned().collect()
    }
}

impl<K, V> Tree<K, V> {
    /// As [`from_sorted`](Self::from_sorted), with the [separators](Self::separators) of the entries: runs no user code.
    pub(crate) fn from_parts(
        separators: Vec<K>,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut separators = separators.into_iter();
        Self::build(entries, |_| separators.next())
    }

    /// `separator` is called with the smallest key of each leaf but the first.
    fn build(
        entries: impl IntoIterator<Item = (K, V)>,
        mut separator: impl FnMut(&K) -> Option<K>,
    ) -> Self {
        let (mut level, mut leaf, mut first) = (Vec::new(), Leaf::new(), None);
        for (key, value) in entries {
            if leaf.len() == CAPACITY {
                let next = separator(&key);
                let full = std::mem::replace(&mut leaf, Leaf::new());
                level.push((std::mem::replace(&mut first, next), Child::new(Node::Leaf(full))));
            }
            leaf.keys.push(key);
            leaf.values.push(value);
        }
        if leaf.len() > 0 {
            level.push((first, Child::new(Node::Leaf(leaf))));
        }
        while level.len() > 1 {
            level = parents(level);
        }
        Self { root: level.pop().map(|(_, root)| root) }
    }
}

impl<K: Ord + Clone, V: Clone> Tree<K, V> {
    /// Removes the entries for which `keep` returns `false`, in order.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let kept: Vec<bool> = self.iter().map(|(key, value)| keep(key, value)).collect();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let entries = self.iter().zip(kept).filter(|(_, kept)| *kept);
        *self = Self::from_sorted(entries.map(|((key, value), _)| (key.clone(), value.clone())));
    }
}

/// A node, and its smallest key unless it is the first of its level.
type Separated<K, V> = (Option<K>, Child<K, V>);

/// Makes the parents of these nodes.
fn parents<K, V>(nodes: Vec<Separated<K, V>>) -> Vec<Separated<K, V>> {
    let mut parents = Vec::with_capacity(nodes.len().div_ceil(CAPACITY));
    let mut nodes = nodes.into_iter();
    while let Some((first, child)) = nodes.next() {
        let mut inner = Inner { separators: List::new(), children: List::new() };
        inner.children.push(child);
        for (separator, child) in nodes.by_ref().take(CAPACITY - 1) {
            if let Some(separator) = separator {
                inner.separators.push(separator);
            }
            inner.children.push(child);
        }
        parents.push((first, Child::new(Node::Inner(inner))));
    }
    parents
}
