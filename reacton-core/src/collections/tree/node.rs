//! The nodes of the tree: leaves with entries, and inner nodes.

use std::borrow::Borrow;
use std::sync::Arc;

use arrayvec::ArrayVec;

/// A node has at most this many entries, or children.
pub(super) const CAPACITY: usize = 32;

/// A node with fewer is merged with a sibling, or takes some of its items. The last node may have fewer.
pub(super) const LEAST: usize = CAPACITY / 4;

/// Items are stored in the node itself: a pointer would cost one more cache miss for each level of a search.
pub(super) type List<T> = ArrayVec<T, CAPACITY>;

#[expect(
    clippy::large_enum_variant,
    reason = "a box would be a pointer to follow; rows are as large as children"
)]
pub(super) enum Node<K, V> {
    Leaf(Leaf<K, V>),
    Inner(Inner<K, V>),
}

/// Entries in the order of their keys.
// The keys are next to each other, so that a search reads few cache lines.
pub(super) struct Leaf<K, V> {
    pub(super) keys: List<K>,
    /// One for each key.
    pub(super) values: List<V>,
}

pub(super) struct Inner<K, V> {
    /// One fewer than children. The keys of a child are not smaller than the separator before it, and smaller than the
    /// one after it.
    pub(super) separators: List<K>,
    pub(super) children: List<Child<K, V>>,
}

/// A node, and the number of entries in it or below it.
pub(super) struct Child<K, V> {
    pub(super) len: usize,
    pub(super) node: Arc<Node<K, V>>,
}

impl<K, V> Leaf<K, V> {
    pub(super) fn new() -> Self {
        Self { keys: List::new(), values: List::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The place of a key, or the place where it would be inserted.
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.keys.binary_search_by(|other| other.borrow().cmp(key))
    }

    pub(super) fn entry(&self, at: usize) -> Option<(&K, &V)> {
        self.keys.get(at).zip(self.values.get(at))
    }

    pub(super) fn insert(&mut self, at: usize, key: K, value: V) {
        self.keys.insert(at, key);
        self.values.insert(at, value);
    }

    pub(super) fn remove(&mut self, at: usize) -> (K, V) {
        (self.keys.remove(at), self.values.remove(at))
    }

    /// Removes and returns the entries from `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { keys: self.keys.drain(at..).collect(), values: self.values.drain(at..).collect() }
    }
}

impl<K, V> Inner<K, V> {
    /// The child that contains a key, if any does.
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

impl<K: Clone, V: Clone> Child<K, V> {
    /// The node, to be edited: a copy if something else holds it.
    // Unlike `Arc::make_mut` alone, this is small enough to be inlined.
    #[inline]
    pub(super) fn own(&mut self) -> &mut Node<K, V> {
        if Arc::strong_count(&self.node) > 1 {
            self.copy();
        }
        Arc::get_mut(&mut self.node).expect("no other reference is left, and none is weak")
    }

    #[cold]
    fn copy(&mut self) {
        // Clones in place, without a copy on the stack.
        Arc::make_mut(&mut self.node);
    }
}

/// The number of entries in a node or below it.
pub(super) fn count<K, V>(node: &Node<K, V>) -> usize {
    match node {
        Node::Leaf(leaf) => leaf.len(),
        Node::Inner(Inner { children, .. }) => children.iter().map(|child| child.len).sum(),
    }
}

impl<K, V> Node<K, V> {
    /// The entry of a key below this node.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let mut node = self;
        loop {
            match node {
                Self::Inner(inner) => node = &inner.children[inner.child_of(key)].node,
                Self::Leaf(leaf) => return leaf.entry(leaf.find(key).ok()?),
            }
        }
    }

    /// The number of entries or of children.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
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
            Self::Leaf(Leaf { keys, values }) => {
                Self::Leaf(Leaf { keys: keys.clone(), values: values.clone() })
            }
            Self::Inner(Inner { separators, children }) => {
                Self::Inner(Inner { separators: separators.clone(), children: children.clone() })
            }
        }
    }
}
