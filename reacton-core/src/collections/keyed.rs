//! Entries by key, each with the version of its last write. All collections except counters consist of them.
//!
//! This module has the rules by which entries of two stores are merged; the numbers in the comments are those of
//! docs/protocol.md. The state is a floor and, for each key, the largest version with its content. To join edits is to
//! take the larger versions. So neither their order nor repetitions matter.

mod joining;
mod registers;
mod undo;

use std::borrow::Borrow;
use std::mem;
use std::ops::RangeBounds;

use super::changes::{Handle, KeyedChanges, Pair};
use super::log::Log;
use super::tree::{Iter, Tree};
use crate::merge::{Version, Writer};

/// The entries of a collection, its tombstones, and the edits of the open transaction.
pub(super) struct Keyed<K, H> {
    rows: Tree<K, Row<H>>,
    /// The tombstones: keys of removed entries, with the version of the removal (M3).
    gone: Tree<K, Version>,
    /// Entries with a smaller version are removed (M4).
    floor: Version,
    /// The largest clock of all versions here. It may come from another store, whose clock is ahead.
    newest: u64,
    log: Option<Box<Log<K, H>>>,
}

#[derive(Clone)]
pub(super) struct Row<H> {
    pub(super) held: H,
    pub(super) version: Version,
}

impl<K, H> Keyed<K, H> {
    pub(super) const fn new() -> Self {
        Self { rows: Tree::new(), gone: Tree::new(), floor: Version::NEVER, newest: 0, log: None }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn iter(&self) -> Entries<'_, K, H> {
        Entries(self.rows.iter())
    }

    pub(super) fn positions(&self, start: usize, end: usize) -> Entries<'_, K, H> {
        Entries(self.rows.positions(start, end))
    }

    pub(super) fn nth(&self, position: usize) -> Option<(&K, &H)> {
        self.rows.nth(position).map(|(key, row)| (key, &row.held))
    }

    pub(super) fn removals(&self) -> usize {
        self.gone.len()
    }

    pub(super) fn newest_clock(&self) -> u64 {
        self.newest
    }
}

impl<K: Ord + Clone, H: Handle> Keyed<K, H> {
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&H>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key).map(|row| &row.held)
    }

    /// The number of smaller keys, and whether the key itself exists.
    pub(super) fn rank<Q: Ord + ?Sized>(&self, key: &Q) -> (usize, bool)
    where
        K: Borrow<Q>,
    {
        self.rows.rank(key)
    }

    pub(super) fn range<Q: Ord + ?Sized>(&self, range: &impl RangeBounds<Q>) -> Entries<'_, K, H>
    where
        K: Borrow<Q>,
    {
        Entries(self.rows.range(range))
    }

    /// Puts an entry, and returns what it replaces.
    // User code that panics runs before the entry is written, or after the write was recorded. The same holds for all
    // other edits.
    pub(super) fn put(&mut self, key: K, held: H) -> Option<H> {
        let row = Row { held, version: Version::NEVER };
        let Some(log) = open(&mut self.log) else {
            return self.rows.insert(key, row).map(|row| row.held);
        };
        log.make_room();
        let (noted, new) = (key.clone(), row.held.clone());
        let old = self.rows.insert(key, row);
        let held = old.as_ref().map(|row| row.held.clone());
        log.note(noted, old, Some(new));
        held
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<H>
    where
        K: Borrow<Q>,
    {
        let log = open(&mut self.log);
        let Some(log) = log else { return self.rows.remove(key).map(|(_, row)| row.held) };
        log.make_room();
        let (key, row) = self.rows.remove(key)?;
        let held = row.held.clone();
        log.note(key, Some(row), None);
        Some(held)
    }

    /// Edits an entry. `edit` receives the only reference to the value, unless something else holds it. If it panics
    /// while edits are recorded, the entry keeps its old value.
    pub(super) fn edit<Q: Ord + ?Sized, U>(
        &mut self,
        key: &Q,
        edit: impl FnOnce(&mut H) -> U,
    ) -> Option<U>
    where
        K: Borrow<Q>,
    {
        let Some(log) = open(&mut self.log) else {
            return self.rows.get_mut(key).map(|(_, row)| edit(&mut row.held));
        };
        log.make_room();
        let (key, row) = self.rows.get_mut(key)?;
        let (key, mut held) = (key.clone(), row.held.clone());
        let result = edit(&mut held);
        let edited = Row { held: held.clone(), version: Version::NEVER };
        log.note(key, Some(mem::replace(row, edited)), Some(held));
        Some(result)
    }

    /// Removes every entry. Concurrent writes of other stores are dropped.
    pub(super) fn clear(&mut self) {
        self.take_rows(&Self::new(), true);
    }

    /// Replaces all entries by those of `other`. Concurrent writes of other stores are dropped.
    pub(super) fn replace(&mut self, other: &Self) {
        self.take_rows(other, true);
    }

    /// Edits the entries that differ from those of `other`.
    pub(super) fn restore(&mut self, other: &Self) {
        if self.log.as_ref().is_some_and(|log| log.shares) {
            // Entries that do not differ keep their versions.
            let differing = differing(&self.rows, &other.rows);
            let edits: Vec<_> =
                differing.map(|(key, _, new)| (key.clone(), held(new).cloned())).collect();
            for (key, held) in edits {
                match held {
                    Some(held) => drop(self.put(key, held)),
                    None => drop(self.remove(&key)),
                }
            }
        } else {
            self.take_rows(other, false);
        }
    }

    fn take_rows(&mut self, other: &Self, reset: bool) {
        self.newest = self.newest.max(other.newest);
        let Some(log) = open(&mut self.log) else {
            self.rows = other.rows.clone();
            return;
        };
        log.make_room();
        let row = |row: Option<&Row<H>>| row.cloned();
        let all = differing(&self.rows, &other.rows);
        let edits: Vec<_> =
            all.map(|(key, old, new)| (key.clone(), row(old), held(new).cloned())).collect();
        // Dropped at the end, which is user code.
        let before = mem::replace(&mut self.rows, other.rows.clone());
        if reset && log.shares {
            log.note_reset(&before);
        }
        for (key, old, new) in edits {
            log.note(key, old, new);
        }
    }

    pub(super) fn begin(&mut self, writer: Writer) {
        match &mut self.log {
            Some(log) => log.begin(writer.shares),
            log => *log = Some(Box::new(Log::new(writer.shares))),
        }
    }

    /// The address of the log of the open edit, which moves together with the value.
    pub(super) fn noted_in(&self) -> Option<usize> {
        let log = self.log.as_deref().filter(|log| log.is_open)?;
        Some(std::ptr::from_ref(log).addr())
    }

    /// Ends the edit that [`begin`](Self::begin) began. If a comparison panics, the log is kept for the next time.
    pub(super) fn settle(&mut self) -> Option<KeyedChanges<K, H>> {
        self.log.as_mut()?.settle(&self.gone)
    }

    /// All entries, as changes of an empty collection.
    pub(super) fn everything(&self) -> KeyedChanges<K, H> {
        let added = |held: &H| Pair { old: None, new: Some(held.clone()) };
        KeyedChanges::sorted(self.iter().map(|(key, held)| (key.clone(), added(held))))
    }
}

impl<K: PartialEq, H: Handle<Item: PartialEq>> PartialEq for Keyed<K, H> {
    /// Whether both have the same entries. Versions are not compared.
    fn eq(&self, other: &Self) -> bool {
        self.rows.is_same(&other.rows)
            || self.len() == other.len()
                && self.iter().zip(other.iter()).all(|((key, held), (other_key, other))| {
                    key == other_key && (held.is_same(other) || held.item() == other.item())
                })
    }
}

impl<K: Clone, H: Clone> Clone for Keyed<K, H> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            gone: self.gone.clone(),
            floor: self.floor,
            newest: self.newest,
            log: self.log.as_ref().and_then(|log| log.to_copy()).map(Box::new),
        }
    }
}

fn open<K, H>(log: &mut Option<Box<Log<K, H>>>) -> Option<&mut Log<K, H>> {
    log.as_deref_mut().filter(|log| log.is_open)
}

fn held<H>(row: Option<&Row<H>>) -> Option<&H> {
    row.map(|row| &row.held)
}

/// A key, with its rows in one collection and in the other.
type Differing<'a, K, H> = (&'a K, Option<&'a Row<H>>, Option<&'a Row<H>>);

/// The entries that are not known to be equal.
fn differing<'a, K: Ord, H: Handle>(
    old: &'a Tree<K, Row<H>>,
    new: &'a Tree<K, Row<H>>,
) -> impl Iterator<Item = Differing<'a, K, H>> {
    old.difference(new)
        .filter(|(_, old, new)| old.zip(*new).is_none_or(|(old, new)| !old.held.is_same(&new.held)))
}

/// Entries in the order of their keys.
pub(super) struct Entries<'a, K, H>(Iter<'a, K, Row<H>>);

impl<'a, K, H> Iterator for Entries<'a, K, H> {
    type Item = (&'a K, &'a H);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, row)| (key, &row.held))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.0.nth(n).map(|(key, row)| (key, &row.held))
    }
}

impl<K, H> DoubleEndedIterator for Entries<'_, K, H> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, row)| (key, &row.held))
    }
}

impl<K, H> Clone for Entries<'_, K, H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
