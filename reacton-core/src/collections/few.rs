//! Keys that a transaction has written. Most transactions write one, which needs no tree.

use std::sync::Arc;

use super::tree::{Iter, Tree};

/// A value for each key. A clone takes constant time.
pub(super) enum Few<K, V> {
    One(Arc<(K, V)>),
    Many(Tree<K, V>),
}

impl<K, V> Few<K, V> {
    pub(super) const NONE: Self = Self::Many(Tree::new());

    /// All keys with their values, in the order of the keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (one, many): (_, Option<Iter<'_, K, V>>) = match self {
            Self::One(one) => (Some((&one.0, &one.1)), None),
            Self::Many(tree) => (None, Some(tree.iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

impl<K: Ord + Clone, V: Clone> Few<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        match self {
            Self::One(one) => one.0.cmp(key).is_eq().then_some(&one.1),
            Self::Many(tree) => tree.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self {
            Self::One(one) if one.0.cmp(key).is_eq() => Some(&mut Arc::make_mut(one).1),
            Self::One(_) => None,
            Self::Many(tree) => tree.get_mut(key).map(|(_, value)| value),
        }
    }

    /// Adds a key that is not there.
    // Keys are copied and compared, which is user code, before anything is changed.
    pub(super) fn insert(&mut self, key: K, value: V) {
        match self {
            Self::Many(tree) if tree.len() == 0 => *self = Self::One(Arc::new((key, value))),
            Self::Many(tree) => drop(tree.insert(key, value)),
            Self::One(one) => {
                let mut tree = Tree::new();
                let (first, held) = (**one).clone();
                tree.insert(first, held);
                tree.insert(key, value);
                *self = Self::Many(tree);
            }
        }
    }
}

impl<K, V> Clone for Few<K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::One(one) => Self::One(Arc::clone(one)),
            Self::Many(tree) => Self::Many(tree.clone()),
        }
    }
}

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self::NONE
    }
}
