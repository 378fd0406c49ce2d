//! A table by id, where several entries may have the same id: two keys of a family may have the same hash.

use std::collections::hash_map::Entry;

use crate::id::{RefId, RefMap};

/// A table by id. A look-up compares each entry of the id with what is sought.
#[derive(Clone)]
pub(crate) struct Table<E> {
    first: RefMap<E>,
    /// The second and later entries of an id. Rarely used, so that a look-up usually costs one table.
    rest: RefMap<Vec<E>>,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self { first: RefMap::default(), rest: RefMap::default() }
    }
}

impl<E> Table<E> {
    /// The entries of this id, oldest first.
    pub(crate) fn of(&self, id: RefId) -> impl Iterator<Item = &E> {
        self.first.get(&id).into_iter().chain(self.rest.get(&id).into_iter().flatten())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.first.values().chain(self.rest.values().flatten())
    }

    /// The first entry of this id for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, id: RefId, is: impl Fn(&E) -> bool) -> Option<&E> {
        let first = self.first.get(&id)?;
        if is(first) {
            return Some(first);
        }
        self.rest.get(&id)?.iter().find(|entry| is(entry))
    }

    /// The entry of this id at index `at`. When one is removed, the later ones move up.
    pub(crate) fn at(&self, id: RefId, at: usize) -> Option<&E> {
        match at.checked_sub(1) {
            None => self.first.get(&id),
            Some(at) => self.rest.get(&id)?.get(at),
        }
    }

    pub(crate) fn insert(&mut self, id: RefId, entry: E) {
        match self.first.entry(id) {
            Entry::Vacant(place) => {
                place.insert(entry);
            }
            Entry::Occupied(_) => self.rest.entry(id).or_default().push(entry),
        }
    }

    pub(crate) fn reserve(&mut self, entries: usize) {
        self.first.reserve(entries);
    }

    pub(crate) fn find_mut(&mut self, id: RefId, is: impl Fn(&E) -> bool) -> Option<&mut E> {
        let first = self.first.get_mut(&id)?;
        if is(first) {
            return Some(first);
        }
        self.rest.get_mut(&id)?.iter_mut().find(|entry| is(entry))
    }

    /// Removes the first entry of this id for which `is` holds, and returns it.
    pub(crate) fn remove(&mut self, id: RefId, is: impl Fn(&E) -> bool) -> Option<E> {
        let Some(rest) = self.rest.get_mut(&id) else {
            return if self.first.get(&id).is_some_and(is) { self.first.remove(&id) } else { None };
        };
        let removed = if self.first.get(&id).is_some_and(&is) {
            self.first.insert(id, rest.remove(0))
        } else {
            rest.iter().position(is).map(|at| rest.remove(at))
        };
        if rest.is_empty() {
            self.rest.remove(&id);
        }
        removed
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.rest.values().map(Vec::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_id_come_and_go_one_by_one() {
        let (id, other) = (RefId::from_u64(1), RefId::from_u64(2));
        let mut table = Table::default();
        for entry in ["a", "b", "c"] {
            table.insert(id, entry);
        }
        table.insert(other, "d");
        assert_eq!((table.len(), table.iter().count()), (4, 4));
        table.remove(id, |entry| *entry == "a");
        assert_eq!(table.of(id).copied().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!([0, 1, 2].map(|at| table.at(id, at).copied()), [Some("b"), Some("c"), None]);
        table.remove(id, |entry| *entry == "c");
        table.remove(id, |entry| *entry == "d");
        assert_eq!(table.of(id).collect::<Vec<_>>(), [&"b"]);
        table.remove(id, |entry| *entry == "b");
        assert_eq!((table.of(id).count(), table.len()), (0, 1));
        assert!(table.rest.is_empty());
    }
}
