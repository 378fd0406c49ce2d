//! Undo in a collection with keys: the entries that were touched hold again what they held.

use std::any::Any;
use std::sync::Arc;

use super::Keyed;
use crate::collections::changes::{Handle, KeyedChanges};
use crate::collections::map::ReactonMap;
use crate::collections::set::ReactonSet;
use crate::merge::{Compose, Renamed, Touched, Way};

impl<K: Ord + Clone, H: Handle> Keyed<K, H> {
    fn replay(&mut self, changes: &KeyedChanges<K, H>, way: Way) {
        for (key, before, after) in changes.pairs() {
            match (self.get(key), way.of(before, after)) {
                (Some(now), Some(held)) if now.is_same(held) => {}
                (_, Some(held)) => drop(self.put(key.clone(), held.clone())),
                (_, None) => drop(self.remove(key)),
            }
        }
    }
}

impl<K: Ord + Clone + 'static, V: 'static> Touched<ReactonMap<K, V>> for KeyedChanges<K, Arc<V>> {
    fn append(&mut self, later: &dyn Touched<ReactonMap<K, V>>) {
        if let Some(later) = later.as_any().downcast_ref() {
            self.then(later);
        }
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&V, &V) -> bool) {
        Compose::drop_equal(self, same);
    }

    fn is_empty(&self) -> bool {
        Compose::is_empty(self)
    }

    fn replay(&self, map: &mut ReactonMap<K, V>, way: Way) -> Renamed {
        map.keyed().replay(self, way);
        Renamed::new()
    }

    fn boxed(&self) -> Box<dyn Touched<ReactonMap<K, V>>> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<T: Ord + Clone + 'static> Touched<ReactonSet<T>> for KeyedChanges<T, ()> {
    fn append(&mut self, later: &dyn Touched<ReactonSet<T>>) {
        if let Some(later) = later.as_any().downcast_ref() {
            self.then(later);
        }
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&(), &()) -> bool) {
        Compose::drop_equal(self, same);
    }

    fn is_empty(&self) -> bool {
        Compose::is_empty(self)
    }

    fn replay(&self, set: &mut ReactonSet<T>, way: Way) -> Renamed {
        set.keyed().replay(self, way);
        Renamed::new()
    }

    fn boxed(&self) -> Box<dyn Touched<ReactonSet<T>>> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
