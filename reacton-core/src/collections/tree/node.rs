//! The nodes of the tree: leaves of entries, and inner nodes that lead to them.

use std::borrow::Borrow;
use std::sync::Arc;

use arrayvec::ArrayVec;

/// A node has at most this many entries, or children.
pub(super) const CAPACITY: usize = 32;

/// A node with fewer is merged with a sibling, or filled up from it. The newest node at the end may have fewer.
pub(super) const LEAST: usize = CAPACITY / 4;

/// Items in the node itself: behind a pointer, each level of a search would wait for memory once more.
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
// The keys stand together, so that a search reads few lines of the cache.
pub(super) struct Leaf<K, V> {
    pub(super) keys: List<K>,
    /// One for each key.
    pub(super) values: List<V>,
}

pub(super) struct Inner<K, V> {
    /// One fewer than children: no key of a child is smaller than the separator before it, and all are smaller than that after it.
    pub(super) separators: List<K>,
    pub(super) children: List<Child<K, V>>,
}

/// A node, and how many entries stand in it or below it.
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

    /// The place of a key, or where it would stand.
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

    /// Takes out the entries from `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { keys: self.keys.drain(at..).collect(), values: self.values.drain(at..).collect() }
    }
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
