//! Entries by key, each with the version of its last write: what all collections are made of.
//!
//! The rules by which entries of two stores are joined stand here once; the numbers in the comments are those of docs/protocol.md.
//! The state is a floor and, for each key, the largest version with its content. Both only grow, by maxima, so it does not
//! matter in which order edits are joined, nor how often.

use std::borrow::Borrow;
use std::mem;
use std::ops::RangeBounds;

use super::changes::{Handle, KeyedChanges};
use super::tree::{Iter, Tree};
use crate::merge::{Edit, Version, Which, Writer};

/// The entries of a collection, what is remembered of removed ones, and what the open transaction has touched.
pub(super) struct Keyed<K, H> {
    rows: Tree<K, Row<H>>,
    /// The tombstones: keys without an entry, and when that was removed (M3).
    gone: Tree<K, Version>,
    /// Every entry below it is gone (M4).
    floor: Version,
    log: Option<Box<Log<K, H>>>,
}

#[derive(Clone)]
struct Row<H> {
    held: H,
    version: Version,
}

/// What was edited.
#[derive(Clone)]
struct Log<K, H> {
    shares: bool,
    /// Since the last `begin`, if it has not been settled.
    edits: Option<KeyedChanges<K, H>>,
    /// Since the last seal: the version that each key had before that.
    touched: Tree<K, Version>,
    /// Since the last seal it was replaced as a whole.
    reset: bool,
    /// What the last seal has replaced, for what turns out not to be sendable.
    replaced: Tree<K, Version>,
}

impl<K, H> Keyed<K, H> {
    pub(super) const fn new() -> Self {
        Self { rows: Tree::new(), gone: Tree::new(), floor: Version::NEVER, log: None }
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
}

impl<K: Ord + Clone, H: Handle> Keyed<K, H> {
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&H>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key).map(|row| &row.held)
    }

    /// How many keys are smaller, and whether the key itself is there.
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
    pub(super) fn put(&mut self, key: K, held: H) -> Option<H> {
        let noted = self.edits().is_some().then(|| (key.clone(), held.clone()));
        let old = self.rows.insert(key, Row { held, version: Version::NEVER });
        if let Some((key, held)) = noted {
            self.note(key, old.as_ref(), Some(held));
        }
        old.map(|row| row.held)
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<H>
    where
        K: Borrow<Q>,
    {
        let (key, row) = self.rows.remove(key)?;
        if self.edits().is_some() {
            self.note(key, Some(&row), None);
        }
        Some(row.held)
    }

    /// Edits an entry. `edit` gets the only count of what it edits, unless others hold that.
    pub(super) fn edit<Q: Ord + ?Sized, U>(
        &mut self,
        key: &Q,
        edit: impl FnOnce(&mut H) -> U,
    ) -> Option<U>
    where
        K: Borrow<Q>,
    {
        let noted = match self.edits() {
            Some(_) => self.rows.get_entry(key).map(|(key, row)| (key.clone(), row.clone())),
            None => None,
        };
        let row = self.rows.get_mut(key)?;
        let result = edit(&mut row.held);
        let held = row.held.clone();
        if let Some((key, old)) = noted {
            self.note(key, Some(&old), Some(held));
        }
        Some(result)
    }

    /// Removes every entry, whatever is written elsewhere without knowledge of this.
    pub(super) fn clear(&mut self) {
        self.take_rows(&Self::new(), true);
    }

    /// Takes the entries of `other`, whatever is written elsewhere without knowledge of this.
    pub(super) fn replace(&mut self, other: &Self) {
        self.take_rows(other, true);
    }

    /// Edits the entries that differ from those of `other`.
    pub(super) fn restore(&mut self, other: &Self) {
        if self.log.as_ref().is_some_and(|log| log.shares) {
            // The versions of what does not differ stay.
            let differing = differing(&self.rows, &other.rows);
            let edits: Vec<_> =
                differing.map(|(key, _, new)| (key.clone(), new.cloned())).collect();
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
        if let Some(log) = &mut self.log {
            log.reset |= reset;
            if let Some(edits) = &mut log.edits {
                for (key, old, new) in differing(&self.rows, &other.rows) {
                    edits.note(key.clone(), old.cloned(), new.cloned());
                }
            }
        }
        self.rows = other.rows.clone();
    }

    fn edits(&mut self) -> Option<&mut KeyedChanges<K, H>> {
        self.log.as_mut()?.edits.as_mut()
    }

    fn note(&mut self, key: K, old: Option<&Row<H>>, new: Option<H>) {
        let Some(log) = &mut self.log else { return };
        if log.shares && log.touched.get(&key).is_none() {
            let before = old.map(|row| row.version).or_else(|| self.gone.get(&key).copied());
            log.touched.insert(key.clone(), before.unwrap_or_default());
        }
        if let Some(edits) = &mut log.edits {
            edits.note(key, old.map(|row| row.held.clone()), new);
        }
    }

    pub(super) fn begin(&mut self, writer: Writer) {
        match &mut self.log {
            Some(log) if writer.shares => log.edits = Some(KeyedChanges::new()),
            log => {
                *log = Some(Box::new(Log {
                    shares: writer.shares,
                    edits: Some(KeyedChanges::new()),
                    touched: Tree::new(),
                    reset: false,
                    replaced: Tree::new(),
                }));
            }
        }
    }

    pub(super) fn settle(&mut self) -> Option<KeyedChanges<K, H>> {
        let log = self.log.as_mut()?;
        let edits = log.edits.take();
        if !log.shares {
            self.log = None;
        }
        edits.filter(|edits| edits.keys().next().is_some())
    }

    /// All entries, as changes of an empty collection.
    pub(super) fn everything(&self) -> KeyedChanges<K, H> {
        let mut all = KeyedChanges::new();
        for (key, held) in self.iter() {
            all.note(key.clone(), None, Some(held.clone()));
        }
        all
    }

    #[expect(clippy::type_complexity, reason = "the type of a closure, which an alias would hide")]
    /// M1: everything that was touched gets this version, and is shown once, as it is now.
    pub(super) fn seal(&mut self, version: Version, show: &mut dyn FnMut(Edit<&K, &H::Item>)) {
        let Some(mut log) = self.log.take().filter(|log| log.shares) else { return };
        let (touched, reset) = (mem::take(&mut log.touched), mem::take(&mut log.reset));
        let keys: Vec<K> = if reset {
            // M4: what stands after the reset stands at its version.
            self.floor = version;
            self.gone = Tree::new();
            show(Edit::Reset);
            self.rows.iter().map(|(key, _)| key.clone()).collect()
        } else {
            touched.iter().map(|(key, _)| key.clone()).collect()
        };
        for key in keys {
            if let Some(row) = self.rows.get_mut(&key) {
                row.version = version;
                show(Edit::Put(&key, row.held.item()));
                self.gone.remove(&key);
            } else {
                // Also of a key that was put and removed again: it may have been put by what arrived.
                show(Edit::Remove(&key));
                self.gone.insert(key, version);
            }
        }
        log.replaced = touched;
        self.log = Some(log);
    }

    /// Applies an edit of another store. Returns whether it won.
    pub(super) fn join(&mut self, edit: Edit<K, H::Item>, version: Version) -> bool {
        match edit {
            Edit::Reset => self.join_reset(version),
            Edit::Put(key, item) => {
                let wins = self.wins(&key, version);
                if wins {
                    self.gone.remove(&key);
                    self.join_row(key, Some(Row { held: H::new(item), version }));
                }
                wins
            }
            Edit::Remove(key) => {
                let wins = self.wins(&key, version);
                if wins {
                    self.gone.insert(key.clone(), version);
                    self.join_row(key, None);
                }
                wins
            }
        }
    }

    /// M2, M3, M4: an edit wins against an older put, an older removal and an older reset.
    fn wins(&self, key: &K, version: Version) -> bool {
        let held = self.rows.get(key).map(|row| row.version).or(self.gone.get(key).copied());
        version >= self.floor && held.is_none_or(|held| version > held)
    }

    fn join_row(&mut self, key: K, row: Option<Row<H>>) {
        let new = row.as_ref().map(|row| row.held.clone());
        let old = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(&key).map(|(_, row)| row),
        };
        if let Some(edits) = self.edits() {
            edits.note(key, old.map(|row| row.held), new);
        }
    }

    /// M4: everything below the floor is gone.
    fn join_reset(&mut self, version: Version) -> bool {
        if version <= self.floor {
            return false;
        }
        self.floor = version;
        let below = self.rows.iter().filter(|(_, row)| row.version < version);
        for key in below.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.join_row(key, None);
        }
        self.forget(|removed| removed < version);
        true
    }

    fn forget(&mut self, is_over: impl Fn(Version) -> bool) {
        let over = self.gone.iter().filter(|(_, removed)| is_over(**removed));
        for key in over.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.gone.remove(&key);
        }
    }

    #[expect(clippy::type_complexity, reason = "the type of a closure, which an alias would hide")]
    pub(super) fn show(
        &self,
        which: &Which<'_, K>,
        show: &mut dyn FnMut(Edit<&K, &H::Item>, Version),
    ) {
        if self.floor != Version::NEVER {
            show(Edit::Reset, self.floor);
        }
        match which {
            Which::All => {
                for (key, row) in self.rows.iter() {
                    show(Edit::Put(key, row.held.item()), row.version);
                }
                for (key, removed) in self.gone.iter() {
                    show(Edit::Remove(key), *removed);
                }
            }
            Which::Keys(keys) => {
                for key in *keys {
                    if let Some(row) = self.rows.get(key) {
                        show(Edit::Put(key, row.held.item()), row.version);
                    } else if let Some(removed) = self.gone.get(key) {
                        show(Edit::Remove(key), *removed);
                    }
                }
            }
        }
    }

    /// Rule 6, for one entry: its version is put back to just below the one that the last seal has replaced.
    pub(super) fn disown(&mut self, key: &K) {
        let replaced = self.log.as_ref().and_then(|log| log.replaced.get(key).copied());
        let version = replaced.unwrap_or_default().just_below();
        if let Some(row) = self.rows.get_mut(key) {
            row.version = version;
        } else if let Some(removed) = self.gone.get_mut(key) {
            *removed = version;
        }
    }

    pub(super) fn sweep(&mut self, clock: u64) {
        self.forget(|removed| removed.clock <= clock);
    }
}

impl<K: PartialEq, H: Handle<Item: PartialEq>> PartialEq for Keyed<K, H> {
    /// Whether they hold the same entries, whenever these were written.
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
            log: self.log.clone(),
        }
    }
}

/// A key, and what it holds in one collection and in the other.
type Differing<'a, K, H> = (&'a K, Option<&'a H>, Option<&'a H>);

/// The entries that are not known to be equal.
fn differing<'a, K: Ord, H: Handle>(
    old: &'a Tree<K, Row<H>>,
    new: &'a Tree<K, Row<H>>,
) -> impl Iterator<Item = Differing<'a, K, H>> {
    let held = |row: Option<&'a Row<H>>| row.map(|row| &row.held);
    let all = old.difference(new).map(move |(key, old, new)| (key, held(old), held(new)));
    all.filter(|(_, old, new)| !matches!((old, new), (Some(old), Some(new)) if old.is_same(new)))
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
