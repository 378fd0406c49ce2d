//! The changes of a map or a set: for each key that has changed, its old and its new value.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::tree::Tree;
use crate::merge::{Change, Compose};

/// How a collection holds an item: by reference count, or in place.
pub trait Handle: Clone + 'static {
    /// The type of the item.
    type Item: 'static;

    /// Makes a handle of an item.
    fn new(item: Self::Item) -> Self;

    /// Returns the item.
    fn item(&self) -> &Self::Item;

    /// Whether the two are known to be equal without comparing the items.
    fn is_same(&self, other: &Self) -> bool;
}

impl<V: 'static> Handle for Arc<V> {
    type Item = V;

    fn new(item: V) -> Self {
        Self::new(item)
    }

    fn item(&self) -> &V {
        self
    }

    fn is_same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other)
    }
}

impl Handle for () {
    type Item = ();

    fn new((): ()) -> Self {}

    fn item(&self) -> &() {
        self
    }

    fn is_same(&self, (): &Self) -> bool {
        true
    }
}

/// The old and the new value of one key; `None` if there was or is no entry.
#[derive(Clone)]
pub(super) struct Pair<H> {
    pub(super) old: Option<H>,
    pub(super) new: Option<H>,
}

/// The entries that have changed, by key.
#[derive(Clone)]
pub struct KeyedChanges<K, H> {
    pairs: Pairs<K, H>,
}

/// Most transactions change one entry, and need no tree.
#[derive(Clone)]
enum Pairs<K, H> {
    One(K, Pair<H>),
    Many(Tree<K, Pair<H>>),
}

impl<K: Ord + Clone, H: Handle> KeyedChanges<K, H> {
    /// No changes.
    pub(super) const fn new() -> Self {
        Self { pairs: Pairs::NONE }
    }

    /// Adds the change of a key from `old` to `new`.
    pub(super) fn note(&mut self, key: K, old: Option<H>, new: Option<H>) {
        let pair = Pair { old, new };
        match &mut self.pairs {
            Pairs::Many(tree) if tree.len() == 0 => self.pairs = Pairs::One(key, pair),
            pairs => pairs.add(&key, &pair),
        }
    }

    /// The change of one key.
    pub(super) fn one(key: K, pair: Pair<H>) -> Self {
        Self { pairs: Pairs::One(key, pair) }
    }

    /// Changes of keys that are sorted.
    pub(super) fn sorted(pairs: impl IntoIterator<Item = (K, Pair<H>)>) -> Self {
        Self { pairs: Pairs::Many(Tree::from_sorted(pairs)) }
    }

    /// The copies of keys that changes of these sorted keys need.
    pub(super) fn separators<'k>(keys: impl Iterator<Item = &'k K>) -> Vec<K>
    where
        K: 'k,
    {
        Tree::<K, Pair<H>>::separators(keys)
    }

    /// As [`sorted`](Self::sorted), with these copies: runs no user code.
    pub(super) fn from_parts(
        separators: Vec<K>,
        pairs: impl IntoIterator<Item = (K, Pair<H>)>,
    ) -> Self {
        Self { pairs: Pairs::Many(Tree::from_parts(separators, pairs)) }
    }

    /// Each key with its old and its new value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, Option<&H>, Option<&H>)> {
        self.pairs.iter().map(|(key, Pair { old, new })| (key, old.as_ref(), new.as_ref()))
    }

    /// Each key with its new value.
    pub(super) fn each_new(&self) -> impl Iterator<Item = (K, Option<H>)> {
        self.pairs.iter().map(|(key, Pair { new, .. })| (key.clone(), new.clone()))
    }

    /// The keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.pairs.iter().map(|(key, _)| key)
    }

    /// Each key with its old and its new value.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&K, Option<&H>, Option<&H>)> {
        self.pairs.iter().map(|(key, Pair { old, new })| (key, old.as_ref(), new.as_ref()))
    }
}

impl<K, H> Pairs<K, H> {
    const NONE: Self = Self::Many(Tree::new());

    fn iter(&self) -> impl Iterator<Item = (&K, &Pair<H>)> {
        let (one, many) = match self {
            Self::One(key, pair) => (Some((key, pair)), None),
            Self::Many(tree) => (None, Some(tree.iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

impl<K: Ord + Clone, H: Handle> Pairs<K, H> {
    /// Adds a later change of one key.
    // Keys are compared and copied, which is user code, before anything is changed.
    fn add(&mut self, key: &K, later: &Pair<H>) {
        let tree = match self {
            Self::One(one, pair) => match (*one).cmp(key) {
                Ordering::Equal => return pair.new.clone_from(&later.new),
                order => {
                    let (this, other) = ((one.clone(), pair.clone()), (key.clone(), later.clone()));
                    let both = if order.is_lt() { [this, other] } else { [other, this] };
                    *self = Self::Many(Tree::from_sorted(both));
                    return;
                }
            },
            Self::Many(tree) => tree,
        };
        match tree.get_mut(key) {
            Some((_, pair)) => pair.new.clone_from(&later.new),
            None => drop(tree.insert(key.clone(), later.clone())),
        }
    }
}

impl<H: Handle> Pair<H> {
    /// Whether the old and the new value are equal, or both `None`.
    fn is_equal(&self, same: &mut dyn FnMut(&H::Item, &H::Item) -> bool) -> bool {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => old.is_same(new) || same(old.item(), new.item()),
            (old, new) => old.is_none() && new.is_none(),
        }
    }
}

impl<K: Ord + Clone + 'static, H: Handle> Compose for KeyedChanges<K, H> {
    type Value = H::Item;
    type Change = Change<K, H>;

    fn then(&mut self, later: &Self) {
        match &later.pairs {
            Pairs::One(key, pair) => self.pairs.add(key, pair),
            Pairs::Many(tree) => {
                // All or nothing, should a comparison panic. The copy shares the tree.
                let mut all = self.pairs.clone();
                for (key, pair) in tree.iter() {
                    all.add(key, pair);
                }
                self.pairs = all;
            }
        }
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&H::Item, &H::Item) -> bool) {
        match &mut self.pairs {
            Pairs::One(_, pair) => {
                if pair.is_equal(same) {
                    self.pairs = Pairs::NONE;
                }
            }
            Pairs::Many(tree) => tree.retain(|_, pair| !pair.is_equal(same)),
        }
    }

    fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    fn len(&self) -> usize {
        match &self.pairs {
            Pairs::One(..) => 1,
            Pairs::Many(tree) => tree.len(),
        }
    }

    fn list(&self) -> Vec<Change<K, H>> {
        let changes = self.pairs.iter().filter_map(|(key, Pair { old, new })| {
            let key = key.clone();
            match (old.clone(), new.clone()) {
                (None, Some(new)) => Some(Change::Added { key, new }),
                (Some(old), Some(new)) => Some(Change::Replaced { key, old, new }),
                (Some(old), None) => Some(Change::Removed { key, old }),
                (None, None) => None,
            }
        });
        changes.collect()
    }
}

impl<K, H> fmt::Debug for KeyedChanges<K, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedChanges")
            .field("keys", &self.pairs.iter().count())
            .finish_non_exhaustive()
    }
}
