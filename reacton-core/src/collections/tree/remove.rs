//! Removals: a node that has become too small is merged with a sibling, or takes some of its items.

use std::borrow::Borrow;
use std::sync::Arc;

use super::node::{CAPACITY, LEAST, Leaf, List, count};
use super::{Child, Inner, Node, Tree};

impl<K: Ord + Clone, V: Clone> Tree<K, V> {
    /// Removes an entry. Copies nothing if the key is missing.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let (position, is_there) = self.rank(key);
        if is_there { self.remove_nth(position) } else { None }
    }

    /// Removes the entry at a position.
    // Keys are compared and copied, which is user code, before anything is changed.
    fn remove_nth(&mut self, position: usize) -> Option<(K, V)> {
        let root = self.root.as_mut()?;
        unshare(root, position);
        let removed = remove_below(root, position);
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

/// The child with the entry at a position, and its position there.
fn child_at<K, V>(children: &[Child<K, V>], mut position: usize) -> (usize, usize) {
    let mut at = 0;
    while at + 1 < children.len() && position >= children[at].len {
        position -= children[at].len;
        at += 1;
    }
    (at, position)
}

/// Copies the nodes on the path to a position that something else holds.
fn unshare<K: Clone, V: Clone>(child: &mut Child<K, V>, position: usize) {
    if let Node::Inner(Inner { children, .. }) = Arc::make_mut(&mut child.node) {
        let (at, position) = child_at(children, position);
        unshare(&mut children[at], position);
    }
}

fn remove_below<K: Clone, V: Clone>(child: &mut Child<K, V>, position: usize) -> (K, V) {
    child.len -= 1;
    match Arc::make_mut(&mut child.node) {
        Node::Leaf(leaf) => leaf.remove(position),
        Node::Inner(inner) => {
            let (at, position) = child_at(&inner.children, position);
            let removed = remove_below(&mut inner.children[at], position);
            if inner.children[at].len == 0 {
                inner.remove_child(at);
            } else if inner.children[at].node.width() < LEAST && inner.children.len() > 1 {
                inner.widen(at.saturating_sub(1));
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
        match (Arc::make_mut(&mut one.node), Arc::make_mut(&mut two.node)) {
            (Node::Leaf(one), Node::Leaf(two)) if is_wide => {
                self.separators[first] = one.even_out(two);
            }
            (Node::Inner(one), Node::Inner(two)) if is_wide => {
                self.separators[first] = one.even_out(between, two);
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
