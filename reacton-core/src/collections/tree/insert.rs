//! Writes that add an entry or replace a value: a node that is full is split in two on the way back.

use std::borrow::Borrow;
use std::mem;
use std::sync::Arc;

use super::node::{self, CAPACITY};
use super::{Child, Inner, Node, Tree};

/// What came of an insertion below a node.
struct Inserted<K, V> {
    replaced: Option<V>,
    /// The second half of the node, and its smallest key.
    split: Option<(K, Child<K, V>)>,
}

impl<K: Ord + Clone, V: Clone> Tree<K, V> {
    /// Adds an entry, and returns the value that it replaces.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let Some(root) = &mut self.root else {
            let mut entries = Vec::with_capacity(CAPACITY);
            entries.push((key, value));
            self.root = Some(Child::new(Node::Leaf(entries)));
            return None;
        };
        let Inserted { replaced, split } = insert_below(root, key, value);
        if let Some((separator, second)) = split
            && let Some(first) = self.root.take()
        {
            let mut children = Vec::with_capacity(CAPACITY);
            children.extend([first, second]);
            let inner = Inner { separators: vec![separator], children };
            self.root = Some(Child::new(Node::Inner(inner)));
        }
        replaced
    }

    /// The value of a key, to be edited in place. Copies nothing if the key is not there.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.get(key)?;
        let mut node = Arc::make_mut(&mut self.root.as_mut()?.node);
        loop {
            match node {
                Node::Inner(inner) => {
                    let at = inner.child_of(key);
                    node = Arc::make_mut(&mut inner.children[at].node);
                }
                Node::Leaf(entries) => {
                    let at = node::find(entries, key).ok()?;
                    return Some(&mut entries[at].1);
                }
            }
        }
    }
}

// Comparisons, which are user code, come before anything of the node is changed.
fn insert_below<K: Ord + Clone, V: Clone>(
    child: &mut Child<K, V>,
    key: K,
    value: V,
) -> Inserted<K, V> {
    let inserted = match Arc::make_mut(&mut child.node) {
        Node::Leaf(entries) => match node::find(entries, &key) {
            Ok(at) => {
                let replaced = Some(mem::replace(&mut entries[at].1, value));
                return Inserted { replaced, split: None };
            }
            Err(at) => insert_into_leaf(entries, at, key, value),
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
    child.len -= inserted.as_ref().map_or(0, |(_, second)| second.len);
    Inserted { replaced: None, split: inserted }
}

/// How many stay in a full node that is split where something is to be inserted `at`: all of them at the end, so that keys that
/// ascend leave full nodes behind.
fn stay(at: usize) -> usize {
    if at == CAPACITY { CAPACITY } else { CAPACITY / 2 }
}

fn insert_into_leaf<K: Clone, V>(
    entries: &mut Vec<(K, V)>,
    at: usize,
    key: K,
    value: V,
) -> Option<(K, Child<K, V>)> {
    if entries.len() < CAPACITY {
        entries.insert(at, (key, value));
        return None;
    }
    let stay = stay(at);
    // The copy of a key is user code.
    let separator = entries.get(stay).map_or_else(|| key.clone(), |(key, _)| key.clone());
    let mut second = Vec::with_capacity(CAPACITY);
    second.extend(entries.drain(stay..));
    if at <= stay && stay < CAPACITY {
        entries.insert(at, (key, value));
    } else {
        second.insert(at - stay, (key, value));
    }
    Some((separator, Child::new(Node::Leaf(second))))
}

impl<K, V> Inner<K, V> {
    /// Adds the second half of the child at `at` behind it.
    fn add_child(
        &mut self,
        at: usize,
        separator: K,
        child: Child<K, V>,
    ) -> Option<(K, Child<K, V>)> {
        let at = at + 1;
        if self.children.len() < CAPACITY {
            self.separators.insert(at - 1, separator);
            self.children.insert(at, child);
            return None;
        }
        let stay = stay(at);
        let mut children = Vec::with_capacity(CAPACITY);
        children.extend(self.children.drain(stay..));
        if children.is_empty() {
            children.push(child);
            let inner = Inner { separators: Vec::with_capacity(CAPACITY), children };
            return Some((separator, Child::new(Node::Inner(inner))));
        }
        let mut separators = Vec::with_capacity(CAPACITY);
        separators.extend(self.separators.drain(stay..));
        // Between the two halves.
        let middle = self.separators.pop()?;
        let mut second = Inner { separators, children };
        if at <= stay {
            self.separators.insert(at - 1, separator);
            self.children.insert(at, child);
        } else {
            second.separators.insert(at - stay - 1, separator);
            second.children.insert(at - stay, child);
        }
        Some((middle, Child::new(Node::Inner(second))))
    }
}
