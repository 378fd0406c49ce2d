//! Trees that are made of many entries at once.

use super::node::{CAPACITY, Leaf, List};
use super::{Child, Inner, Node, Tree};

impl<K: Clone, V> Tree<K, V> {
    /// Makes a tree of sorted entries. Keys are not compared.
    pub(crate) fn from_sorted(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut level = Vec::new();
        let mut leaf = Leaf::new();
        for (key, value) in entries {
            if leaf.len() == CAPACITY {
                level.extend(with_first(std::mem::replace(&mut leaf, Leaf::new())));
            }
            leaf.keys.push(key);
            leaf.values.push(value);
        }
        level.extend(with_first(leaf));
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

/// A leaf and its smallest key, if it has any.
fn with_first<K: Clone, V>(leaf: Leaf<K, V>) -> Option<(K, Child<K, V>)> {
    let first = leaf.keys.first()?.clone();
    Some((first, Child::new(Node::Leaf(leaf))))
}

/// Makes the parents of these nodes, which come with their smallest keys.
fn parents<K, V>(nodes: Vec<(K, Child<K, V>)>) -> Vec<(K, Child<K, V>)> {
    let mut parents = Vec::with_capacity(nodes.len().div_ceil(CAPACITY));
    let mut nodes = nodes.into_iter();
    while let Some((first, child)) = nodes.next() {
        let mut inner = Inner { separators: List::new(), children: List::new() };
        inner.children.push(child);
        for (separator, child) in nodes.by_ref().take(CAPACITY - 1) {
            inner.separators.push(separator);
            inner.children.push(child);
        }
        parents.push((first, Child::new(Node::Inner(inner))));
    }
    parents
}
