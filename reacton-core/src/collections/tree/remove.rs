//! Removals: a node that has become too small is merged with a sibling, or takes some of its items.

use std::borrow::Borrow;
use std::mem;
use std::sync::Arc;

use arrayvec::ArrayVec;

use super::node::{CAPACITY, LEAST, Leaf, List, count};
use super::{Child, Inner, Node, Tree};
use crate::panics::contained;

/// The place of an entry: in each node the index of the child, and then that of the entry.
#[derive(Default)]
struct Path {
    indices: ArrayVec<u8, DEEPEST>,
    /// Whether something else holds a node on the way.
    is_shared: bool,
}

/// No tree is deeper: a node has at least [`LEAST`] children, and the number of entries fits into a `usize`.
const DEEPEST: usize = 32;

impl<K, V> Tree<K, V> {
    fn path<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Path>
    where
        K: Borrow<Q>,
    {
        let mut path = Path::default();
        let mut child = self.root.as_ref()?;
        loop {
            path.is_shared |= Arc::strong_count(&child.node) > 1;
            let (at, next) = match &*child.node {
                Node::Leaf(leaf) => (leaf.find(key).ok()?, None),
                Node::Inner(inner) => {
                    let at = inner.child_of(key);
                    (at, Some(inner.children.get(at)?))
                }
            };
            path.indices.push(u8::try_from(at).ok()?);
            match next {
                Some(next) => child = next,
                None => return Some(path),
            }
        }
    }
}

impl<K: Ord + Clone, V: Clone> Tree<K, V> {
    /// Removes an entry. Copies nothing if the key is missing.
    // Keys are compared and copied, which is user code, before the entry is removed.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let path = self.path(key)?;
        let root = self.root.as_mut()?;
        if path.is_shared {
            unshare(root, &path.indices);
        }
        let removed = remove_below(root, &path.indices)?;
        while let Some(root) = &mut self.root {
            let only = match &*root.node {
                _ if root.len == 0 => None,
                Node::Inner(Inner { children, .. }) if children.len() == 1 => {
                    children.first().cloned()
                }
                _ => break,
            };
            self.root = only;
        }
        Some(removed)
    }
}

/// Copies the nodes on the path that something else holds.
fn unshare<K: Clone, V: Clone>(child: &mut Child<K, V>, path: &[u8]) {
    if let (Node::Inner(inner), Some((at, path))) = (child.own(), path.split_first()) {
        unshare(&mut inner.children[usize::from(*at)], path);
    }
}

fn remove_below<K: Clone, V: Clone>(child: &mut Child<K, V>, path: &[u8]) -> Option<(K, V)> {
    let (at, path) = path.split_first()?;
    let at = usize::from(*at);
    child.len -= 1;
    match child.own() {
        Node::Leaf(leaf) => Some(leaf.remove(at)),
        Node::Inner(inner) => {
            let removed = remove_below(&mut inner.children[at], path);
            if inner.children[at].len == 0 {
                contained(|| inner.remove_child(at));
            } else if inner.children[at].node.width() < LEAST && inner.children.len() > 1 {
                // The entry is removed, also if the copy or the drop of a key panics: then the node stays small.
                contained(|| inner.widen(at.saturating_sub(1)));
            }
            removed
        }
    }
}

impl<K: Clone, V: Clone> Inner<K, V> {
    fn remove_child(&mut self, at: usize) {
        self.children.remove(at);
        if !self.separators.is_empty() {
            self.separators.remove(at.saturating_sub(1));
        }
    }

    /// Merges the child at `first` with the next one, because one of them is too small. If both together are too large
    /// for one node, balances them.
    fn widen(&mut self, first: usize) {
        let between = self.separators[first].clone();
        let Some([one, two]) = self.children.get_mut(first..first + 2) else { return };
        let is_wide = one.node.width() + two.node.width() > CAPACITY;
        // Dropped at the end, which is user code.
        let mut _former = None;
        match (one.own(), two.own()) {
            (Node::Leaf(one), Node::Leaf(two)) if is_wide => {
                let separator = one.even_out(two);
                _former = Some(mem::replace(&mut self.separators[first], separator));
            }
            (Node::Inner(one), Node::Inner(two)) if is_wide => {
                let separator = one.even_out(between, two);
                _former = Some(mem::replace(&mut self.separators[first], separator));
            }
            (Node::Leaf(one), Node::Leaf(two)) => {
                one.keys.extend(two.keys.drain(..));
                one.values.extend(two.values.drain(..));
            }
            (Node::Inner(one), Node::Inner(two)) => {
                one.separators.push(between);
                one.separators.extend(two.separators.drain(..));
                one.children.extend(two.children.drain(..));
            }
            _ => unreachable!("all leaves are equally deep"),
        }
        (one.len, two.len) = (count(&one.node), count(&two.node));
        if two.len == 0 {
            self.remove_child(first + 1);
        }
    }

    /// Moves children between two siblings until both have the same number. Returns the key that separates them then.
    fn even_out(&mut self, between: K, next: &mut Self) -> K {
        let half = usize::midpoint(self.children.len(), next.children.len());
        move_between(&mut self.children, &mut next.children, half);
        // One more than the capacity of a node.
        let mut separators: Vec<K> = self.separators.drain(..).collect();
        separators.push(between);
        separators.extend(next.separators.drain(..));
        next.separators.extend(separators.drain(half..));
        let between = separators.pop();
        self.separators.extend(separators);
        between.expect("a rebalanced node has at least two children")
    }
}

impl<K: Clone, V> Leaf<K, V> {
    /// Moves entries between two siblings until both have the same number. Returns the key that separates them then.
    fn even_out(&mut self, next: &mut Self) -> K {
        let half = usize::midpoint(self.len(), next.len());
        let between = self.keys.get(half).unwrap_or_else(|| &next.keys[half - self.len()]).clone();
        move_between(&mut self.keys, &mut next.keys, half);
        move_between(&mut self.values, &mut next.values, half);
        between
    }
}

/// Moves items until the first list has `half` of them.
fn move_between<T>(one: &mut List<T>, two: &mut List<T>, half: usize) {
    if one.len() > half {
        *two = one.drain(half..).chain(two.drain(..)).collect();
    } else {
        let missing = half - one.len();
        one.extend(two.drain(..missing));
    }
}
