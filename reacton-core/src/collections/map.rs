//! A sorted map whose rows are written, observed and merged one by one.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::RangeBounds;
use std::sync::Arc;

use super::at::Entry;
use super::changes::KeyedChanges;
use super::keyed::{Entries, Keyed};
use crate::merge::{
    Edit, Merge, MergeByCount, ShowCounted, Shown, Touched, Version, Which, Writer,
};

/// A sorted map as the value of a reacton: `#[reacton] static ROWS: ReactonMap<u64, Row> = ReactonMap::new();`.
///
/// The cost of a write depends on the number of rows that it changes. Observers receive the rows that have changed
/// ([`subscribe_changes`](crate::ReactonStore::subscribe_changes)), or are called for one row only
/// ([`at`](crate::Reacton::at)). A snapshot, a reader or a clone of the map takes constant time. The position of a key
/// and the key at a position are found as fast as a key.
///
/// Rows are held by reference count, so a row that is edited is copied first if a snapshot or a change still holds it.
///
/// # Examples
/// ```
/// # use reacton_core::ReactonMap;
/// let mut prices = ReactonMap::from_iter([(3, "c"), (1, "a"), (2, "b")]);
/// let before = prices.clone();
/// prices.insert(2, "B");
/// prices.remove(&1);
/// assert!(prices.iter().eq([(&2, &"B"), (&3, &"c")]));
/// assert_eq!((prices.rank(&3), prices.nth(0)), (1, Some((&2, &"B"))));
/// assert_eq!(before.len(), 3);
/// ```
pub struct ReactonMap<K, V> {
    rows: Keyed<K, Arc<V>>,
}

impl<K, V> ReactonMap<K, V> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { rows: Keyed::new() }
    }

    /// The number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows, in the order of the keys.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.rows.iter())
    }

    pub(super) fn keyed(&mut self) -> &mut Keyed<K, Arc<V>> {
        &mut self.rows
    }

    /// The rows, by reference count.
    pub(super) fn counted(&self) -> Entries<'_, K, Arc<V>> {
        self.rows.iter()
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.iter().map(|(_, value)| value)
    }

    /// The row at a position: 0 is that of the smallest key.
    pub fn nth(&self, position: usize) -> Option<(&K, &V)> {
        self.rows.nth(position).map(|(key, value)| (key, &**value))
    }

    /// The rows at the positions from `start` up to `end`, as far as they exist: the rows that a window of a long table
    /// shows.
    pub fn positions(&self, start: usize, end: usize) -> Iter<'_, K, V> {
        Iter(self.rows.positions(start, end))
    }

    /// The row of the smallest key.
    pub fn first(&self) -> Option<(&K, &V)> {
        self.nth(0)
    }

    /// The row of the largest key.
    pub fn last(&self) -> Option<(&K, &V)> {
        self.nth(self.len().checked_sub(1)?)
    }
}

impl<K: Ord + Clone, V: 'static> ReactonMap<K, V> {
    /// The value of a key.
    #[inline]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key).map(|value| &**value)
    }

    /// The value of a key as an `Arc`, so that it can be kept without a copy.
    pub fn get_arc<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key)
    }

    /// Whether there is a row of this key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// The number of smaller keys, which is the position of the key if the map contains it.
    pub fn rank<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.rows.rank(key).0
    }

    /// The rows of the keys in `range`; none if it ends before it begins.
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        Iter(self.rows.range(&range))
    }

    /// Adds a row, and returns the value that it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<Arc<V>> {
        self.rows.put(key, Arc::new(value))
    }

    /// Removes a row, and returns its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.rows.remove(key)
    }

    /// Edits the value of a key in place, and returns what `edit` returns; `None`, without a call, if there is no such row.
    pub fn update<Q: Ord + ?Sized, U>(
        &mut self,
        key: &Q,
        edit: impl FnOnce(&mut V) -> U,
    ) -> Option<U>
    where
        K: Borrow<Q>,
        V: Clone,
    {
        self.rows.edit(key, |value| edit(Arc::make_mut(value)))
    }

    /// Removes the row of the smallest key, and returns key and value.
    pub fn pop_first(&mut self) -> Option<(K, Arc<V>)> {
        let first = self.first()?.0.clone();
        self.remove(&first).map(|value| (first, value))
    }

    /// Removes the row of the largest key, and returns key and value.
    pub fn pop_last(&mut self) -> Option<(K, Arc<V>)> {
        let last = self.last()?.0.clone();
        self.remove(&last).map(|value| (last, value))
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Removes the rows for which `keep` returns `false`.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let over = self.iter().filter(|(key, value)| !keep(key, value));
        for key in over.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.remove(&key);
        }
    }
}

impl<K: Ord + Clone + 'static, V: 'static> Merge for ReactonMap<K, V> {
    type Key = K;
    type Item = V;
    type Changes = KeyedChanges<K, Arc<V>>;

    fn begin(&mut self, writer: Writer) {
        self.rows.begin(writer);
    }

    fn __noted_in(&self) -> Option<usize> {
        self.rows.noted_in()
    }

    fn settle(&mut self) -> Option<Self::Changes> {
        self.rows.settle()
    }

    fn replace(&mut self, other: Self) {
        self.rows.replace(&other.rows);
    }

    fn restore(&mut self, other: &Self) {
        self.rows.restore(&other.rows);
    }

    fn everything(&self) -> Self::Changes {
        self.rows.everything()
    }

    fn seal(&mut self, version: Version, show: &mut dyn FnMut(Edit<&K, &V>)) {
        self.rows.seal(version, show);
    }

    fn join(&mut self, edit: Edit<K, V>, version: Version) -> bool {
        self.rows.join(edit, version)
    }

    fn show(&self, which: Which<'_, K>, show: &mut dyn FnMut(Edit<&K, &V>, Version)) {
        self.rows.show(&which, show);
    }

    fn revert(&mut self) {
        self.rows.revert();
    }

    fn blank(&mut self) {
        self.rows.blank();
    }

    fn __begin_with(&mut self, reset: Option<Version>, entries: Vec<Shown<Self>>) {
        self.rows.begin_with(reset, entries);
    }

    fn disown(&mut self, key: &K) {
        self.rows.disown(key);
    }

    fn sweep(&mut self, clock: u64) {
        self.rows.sweep(clock);
    }

    fn removals(&self) -> usize {
        self.rows.removals()
    }

    fn newest_clock(&self) -> u64 {
        self.rows.newest_clock()
    }

    fn entries(&self) -> usize {
        self.len()
    }

    const __RECORDS_ENTRIES: bool = true;

    fn __touched(changes: &Self::Changes) -> Option<Box<dyn Touched<Self>>> {
        Some(Box::new(changes.clone()))
    }
}

impl<K: Ord + Clone + 'static, V: 'static> MergeByCount for ReactonMap<K, V> {
    fn counted(&self, key: &K) -> Option<Arc<V>> {
        self.get_arc(key).cloned()
    }

    fn __seal_counted(&mut self, version: Version, show: &mut ShowCounted<'_, Self>) {
        self.rows.seal_held(version, &mut |edit| match edit {
            Edit::Put(key, held) => show(Edit::Put(key, Some(Arc::clone(held)))),
            Edit::Remove(key) => show(Edit::Remove(key)),
            Edit::Reset => show(Edit::Reset),
        });
    }

    fn join_counted(&mut self, key: K, item: Arc<V>, version: Version) -> bool {
        self.rows.join_held(key, item, version)
    }
}

impl<K: Clone, V> Clone for ReactonMap<K, V> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone() }
    }
}

impl<K, V> Default for ReactonMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: PartialEq, V: PartialEq + 'static> PartialEq for ReactonMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl<K: Eq, V: Eq + 'static> Eq for ReactonMap<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for ReactonMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Ord + Clone, V: 'static> Extend<(K, V)> for ReactonMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, rows: I) {
        for (key, value) in rows {
            self.insert(key, value);
        }
    }
}

impl<K: Ord + Clone, V: 'static> FromIterator<(K, V)> for ReactonMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(rows: I) -> Self {
        let mut map = Self::new();
        map.extend(rows);
        map
    }
}

impl<K: Ord + Clone, V: 'static, const N: usize> From<[(K, V); N]> for ReactonMap<K, V> {
    fn from(rows: [(K, V); N]) -> Self {
        rows.into_iter().collect()
    }
}

impl<'a, K, V> IntoIterator for &'a ReactonMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

/// The rows of a [`ReactonMap`], in the order of the keys.
pub struct Iter<'a, K, V>(Entries<'a, K, Arc<V>>);

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, &**value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.0.nth(n).map(|(key, value)| (key, &**value))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, &**value))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

impl<K, V> FusedIterator for Iter<'_, K, V> {}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Iter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

impl<K: Ord + Clone + 'static, V: Clone + 'static> Entry for ReactonMap<K, V> {
    type Name = K;
    type Found = Option<V>;

    fn __find(&self, key: &K) -> Option<V> {
        self.get(key).cloned()
    }

    fn __each_key(changes: &Self::Changes, f: &mut dyn FnMut(&K)) {
        changes.keys().for_each(f);
    }

    fn __same(same: fn(&V, &V) -> bool, old: &Option<V>, new: &Option<V>) -> bool {
        match (old, new) {
            (Some(old), Some(new)) => same(old, new),
            (old, new) => old.is_none() && new.is_none(),
        }
    }
}
