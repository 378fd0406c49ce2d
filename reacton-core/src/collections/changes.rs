//! What has changed in a collection with keys: of each key what it held before and what it holds now.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use crate::merge::{Change, Compose};

/// How a collection holds an item: by reference count, or in place.
pub trait Handle: Clone + 'static {
    /// What is held.
    type Item: 'static;

    /// Takes an item over.
    fn new(item: Self::Item) -> Self;

    /// The item.
    fn item(&self) -> &Self::Item;

    /// Whether the two are known to be equal without a look at them.
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

/// What one key held, and what it holds now.
#[derive(Clone)]
struct Pair<H> {
    old: Option<H>,
    new: Option<H>,
}

/// The entries that have changed, by key.
#[derive(Clone)]
pub struct KeyedChanges<K, H> {
    pairs: BTreeMap<K, Pair<H>>,
}

impl<K: Ord + Clone, H: Handle> KeyedChanges<K, H> {
    pub(super) const fn new() -> Self {
        Self { pairs: BTreeMap::new() }
    }

    /// Notes that a key held `old` and holds `new` now.
    pub(super) fn note(&mut self, key: K, old: Option<H>, new: Option<H>) {
        match self.pairs.entry(key) {
            Entry::Vacant(place) => drop(place.insert(Pair { old, new })),
            Entry::Occupied(mut place) => place.get_mut().new = new,
        }
    }

    /// The keys that were touched.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.pairs.keys()
    }
}

impl<K: Ord + Clone + 'static, H: Handle> Compose for KeyedChanges<K, H> {
    type Value = H::Item;
    type Change = Change<K, H>;

    fn then(&mut self, later: &Self) {
        for (key, Pair { old, new }) in &later.pairs {
            match self.pairs.get_mut(key) {
                Some(pair) => pair.new.clone_from(new),
                None => self.note(key.clone(), old.clone(), new.clone()),
            }
        }
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&H::Item, &H::Item) -> bool) {
        self.pairs.retain(|_, Pair { old, new }| match (old, new) {
            (Some(old), Some(new)) => !(old.is_same(new) || same(old.item(), new.item())),
            (None, None) => false,
            _ => true,
        });
    }

    fn is_empty(&self) -> bool {
        self.pairs.is_empty()
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
        f.debug_struct("KeyedChanges").field("keys", &self.pairs.len()).finish_non_exhaustive()
    }
}
