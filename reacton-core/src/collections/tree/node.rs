//! The nodes of the tree: leaves of entries, and inner nodes that lead to them.

use std::borrow::Borrow;
use std::sync::Arc;

/// A node has at most this many entries, or children.
pub(super) const CAPACITY: usize = 32;

/// A node with fewer is merged with a sibling, or filled up from it. The newest node at the end may have fewer.
pub(super) const LEAST: usize = CAPACITY / 4;

pub(super) enum Node<K, V> {
    // The keys stand in the node: behind a pointer each comparison would wait for memory.
    Leaf(Vec<(K, V)>),
    Inner(Inner<K, V>),
}

pub(super) struct Inner<K, V> {
    /// One fewer than children: no key of a child is smaller than the separator before it, and all are smaller than that after it.
    pub(super) separators: Vec<K>,
    pub(super) children: Vec<Child<K, V>>,
}

/// A node, and how many entries stand in it or below it.
pub(super) struct Child<K, V> {
    pub(super) len: usize,
    pub(super) node: Arc<Node<K, V>>,
}

/// The place of a key among entries, or where it would stand.
pub(super) fn find<K: Borrow<Q>, V, Q: Ord + ?Sized>(
    entries: &[(K, V)],
    key: &Q,
) -> Result<usize, usize> {
    entries.binary_search_by(|(other, _)| other.borrow().cmp(key))
}

impl<K, V> Inner<K, V> {
    /// The child below which a key stands, if it is there.
    pub(super) fn child_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.separators.partition_point(|separator| separator.borrow() <= key)
    }
}

impl<K, V> Child<K, V> {
    pub(super) fn new(node: Node<K, V>) -> Self {
        Self { len: count(&node), node: Arc::new(node) }
    }
}

/// How many entries stand in a node or below it.
pub(super) fn count<K, V>(node: &Node<K, V>) -> usize {
    match node {
        Node::Leaf(entries) => entries.len(),
        Node::Inner(Inner { children, .. }) => children.iter().map(|child| child.len).sum(),
    }
}

impl<K, V> Node<K, V> {
    /// The number of entries or of children.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Inner(inner) => inner.children.len(),
        }
    }
}

impl<K, V> Clone for Child<K, V> {
    fn clone(&self) -> Self {
        Self { len: self.len, node: Arc::clone(&self.node) }
    }
}

impl<K: Clone, V: Clone> Clone for Node<K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(entries) => Self::Leaf(roomy(entries)),
            Self::Inner(Inner { separators, children }) => {
                Self::Inner(Inner { separators: roomy(separators), children: roomy(children) })
            }
        }
    }
}

/// A copy with room for what may be inserted: a node is copied because it is about to be written.
fn roomy<T: Clone>(items: &[T]) -> Vec<T> {
    let mut copy = Vec::with_capacity(CAPACITY);
    copy.extend_from_slice(items);
    copy
}
