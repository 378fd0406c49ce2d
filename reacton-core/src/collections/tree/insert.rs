//! Writes that add an entry or replace a value: a node that is full is split in two on the way back.

use std::borrow::Borrow;
use std::mem;
use std::sync::Arc;

use super::node::{CAPACITY, Leaf, List};
use super::{Child, Inner, Node, Tree};

/// The result of an insertion below a node.
struct Inserted<K, V> {
    replaced: Option<V>,
    /// The second half of the node, and its smallest key.
    split: Option<(K, Child<K, V>)>,
}

impl<K: Ord + Clone, V: Clone> Tree<K, V> {
    /// Adds an entry, and returns the value that it replaces.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let Some(root) = &mut self.root else {
            let mut leaf = Leaf::new();
            leaf.insert(0, key, value);
            self.root = Some(Child::new(Node::Leaf(leaf)));
            return None;
        };
        let Inserted { replaced, split } = insert_below(root, key, value);
        if let Some((separator, second)) = split
            && let Some(first) = self.root.take()
        {
            let separators = [separator].into_iter().collect();
            let children = [first, second].into_iter().collect();
            self.root = Some(Child::new(Node::Inner(Inner { separators, children })));
        }
        replaced
    }

    /// The entry of a key, to edit its value in place. Copies nothing if the key is missing.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<(&K, &mut V)>
    where
        K: Borrow<Q>,
    {
        let mut child = self.root.as_mut()?;
        let mut is_there = false;
        loop {
            // Only what something else holds would be copied.
            if !is_there && Arc::strong_count(&child.node) > 1 {
                child.node.get(key)?;
                is_there = true;
            }
            match child.own() {
                Node::Inner(inner) => {
                    let at = inner.child_of(key);
                    child = &mut inner.children[at];
                }
                Node::Leaf(leaf) => {
                    let at = leaf.find(key).ok()?;
                    return leaf.keys.get(at).zip(leaf.values.get_mut(at));
                }
            }
        }
    }
}

// Comparisons, which are user code, run before the node is changed.
fn insert_below<K: Ord + Clone, V: Clone>(
    child: &mut Child<K, V>,
    key: K,
    value: V,
) -> Inserted<K, V> {
    let split = match child.own() {
        Node::Leaf(leaf) => match leaf.find(&key) {
            Ok(at) => {
                // The drop of a key is user code, too.
                drop(key);
                let replaced = Some(mem::replace(&mut leaf.values[at], value));
                return Inserted { replaced, split: None };
            }
            Err(at) => leaf.add(at, key, value),
        },
        Node::Inner(inner) => {
            let at = inner.child_of(&key);
            let Inserted { replaced, split } = insert_below(&mut inner.children[at], key, value);
            if replaced.is_some() {
                return Inserted { replaced, split: None };
            }
            split.and_then(|(separator, second)| inner.add_child(at, separator, second))
        }
    };
    child.len += 1;
    child.len -= split.as_ref().map_or(0, |(_, second)| second.len);
    Inserted { replaced: None, split }
}

/// How many entries stay in a full node that is split for an insertion at `at`. At the end of the tree all of them
/// stay, so that ascending keys produce full nodes.
fn stay(at: usize) -> usize {
    if at == CAPACITY { CAPACITY } else { CAPACITY / 2 }
}

impl<K: Clone, V> Leaf<K, V> {
    /// Adds an entry. Returns the second half if the node was split.
    fn add(&mut self, at: usize, key: K, value: V) -> Option<(K, Child<K, V>)> {
        if self.len() < CAPACITY {
            self.insert(at, key, value);
            return None;
        }
        let stay = stay(at);
        // The copy of a key is user code.
        let separator = self.keys.get(stay).unwrap_or(&key).clone();
        let mut second = self.split_off(stay);
        if at <= stay && stay < CAPACITY {
            self.insert(at, key, value);
        } else {
            second.insert(at - stay, key, value);
        }
        Some((separator, Child::new(Node::Leaf(second))))
    }
}

impl<K, V> Inner<K, V> {
    fn insert(&mut self, at: usize, separator: K, child: Child<K, V>) {
        self.separators.insert(at - 1, separator);
        self.children.insert(at, child);
    }

    /// Adds the second half of the child at `at` behind it.
    fn add_child(
        &mut self,
        at: usize,
        separator: K,
        child: Child<K, V>,
    ) -> Option<(K, Child<K, V>)> {
        let at = at + 1;
        if self.children.len() < CAPACITY {
            self.insert(at, separator, child);
            return None;
        }
        let stay = stay(at);
        let mut children: List<_> = self.children.drain(stay..).collect();
        if children.is_empty() {
            children.push(child);
            let inner = Inner { separators: List::new(), children };
            return Some((separator, Child::new(Node::Inner(inner))));
        }
        let separators = self.separators.drain(stay..).collect();
        // Between the two halves.
        let middle = self.separators.pop()?;
        let mut second = Inner { separators, children };
        if at <= stay {
            self.insert(at, separator, child);
        } else {
            second.insert(at - stay, separator, child);
        }
        Some((middle, Child::new(Node::Inner(second))))
    }
}
