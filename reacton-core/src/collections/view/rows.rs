//! The value of a view: its sorted rows, and the place of each key.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use std::vec;

use crate::collections::changes::{Handle, KeyedChanges};
use crate::collections::log::Log;
use crate::collections::tree::{Iter, Tree};
use crate::value::Same;

/// The sorted rows of a [`View`](crate::View), which its readers receive.
///
/// A clone takes constant time, and does not change later.
pub struct Rows<K, V, S = ()> {
    placed: Tree<Spot<S, K>, Arc<V>>,
    sorts: Sorts<K, S>,
    /// The number of rows of `head`.
    head: Option<usize>,
}

/// A place in the order of a view.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot<S, K> {
    pub(super) sort: S,
    pub(super) key: K,
}

/// The sort keys of the rows, by key.
enum Sorts<K, S> {
    /// All rows have one sort key, so they are in the order of their keys.
    Same(Option<S>),
    Each(Tree<K, S>),
}

/// A row with its sort key.
#[doc(hidden)]
pub struct Placed<V, S> {
    pub(super) row: Arc<V>,
    pub(super) sort: S,
}

impl<V, S> fmt::Debug for Placed<V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placed").finish_non_exhaustive()
    }
}

impl<V, S: Clone> Clone for Placed<V, S> {
    fn clone(&self) -> Self {
        Self { row: Arc::clone(&self.row), sort: self.sort.clone() }
    }
}

impl<V: 'static, S: Ord + Clone + 'static> Handle for Placed<V, S> {
    type Item = Self;

    fn new(item: Self) -> Self {
        item
    }

    fn item(&self) -> &Self {
        self
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.row, &other.row) && self.sort.cmp(&other.sort).is_eq()
    }
}

impl<V: 'static, S: Ord + Clone + 'static> Placed<V, S> {
    /// Whether the two are equal in place and value.
    pub(super) fn is_as(&self, other: &Self, same: Same<V>) -> bool {
        self.sort.cmp(&other.sort).is_eq() && is_same_row(&self.row, &other.row, same)
    }
}

fn is_same_row<V>(one: &Arc<V>, two: &Arc<V>, same: Same<V>) -> bool {
    Arc::ptr_eq(one, two) || same.is_some_and(|same| same(one, two))
}

/// The rows that were added and removed, by key.
pub(super) type Edits<K, V, S> = KeyedChanges<K, Placed<V, S>>;

/// The same in the order in which it happened. A note runs no user code, so it is made if and only if the row was edited.
pub(super) type Notes<K, V, S> = Log<K, Placed<V, S>>;

impl<K, V, S> Rows<K, V, S> {
    fn shown(&self) -> usize {
        self.head.unwrap_or(usize::MAX)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.placed.len().min(self.shown())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at a position, with its key.
    pub fn nth(&self, position: usize) -> Option<(&K, &V)> {
        let (spot, row) = self.placed.nth(position).filter(|_| position < self.shown())?;
        Some((&spot.key, row))
    }

    /// The first row.
    pub fn first(&self) -> Option<(&K, &V)> {
        self.nth(0)
    }

    /// The last row.
    pub fn last(&self) -> Option<(&K, &V)> {
        self.nth(self.len().checked_sub(1)?)
    }

    fn between(&self, start: usize, end: usize) -> Iter<'_, Spot<S, K>, Arc<V>> {
        self.placed.positions(start, end.min(self.shown()))
    }

    /// The rows with their keys, in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator {
        self.between(0, usize::MAX).map(|(spot, row)| (&spot.key, &**row))
    }

    /// The keys, in the order of the rows.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.iter().map(|(key, _)| key)
    }

    /// The rows, in their order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.iter().map(|(_, row)| row)
    }

    /// The rows at these positions, as far as they exist, by reference count: the rows that a window of a long table
    /// shows.
    ///
    /// They do not borrow from the view, so the closure that reads it can return them.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Merged, Reacton, ReactonMap, ReactonStore};
    /// # type Names = ReactonMap<u32, &'static str>;
    /// # static NAMES: Reacton<Names, Merged> = Reacton::<Names, Merged>::__new("doc::NAMES", || [(1, "b"), (2, "c"), (3, "a")].into());
    /// // #[reacton] static NAMES: ReactonMap<u32, &'static str> = [(1, "b"), (2, "c"), (3, "a")].into();
    /// let store = ReactonStore::new();
    /// let sorted = store.view(&NAMES).sort_by_key(|_, name| *name);
    /// let window = store.with(&sorted, |rows| rows.range(1..10));
    /// assert!(window.map(|(id, name)| (id, *name)).eq([(1, "b"), (2, "c")]));
    /// ```
    pub fn range(&self, positions: impl RangeBounds<usize>) -> Window<K, V>
    where
        K: Clone,
    {
        let start = match positions.start_bound() {
            Bound::Unbounded => 0,
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
        };
        let end = match positions.end_bound() {
            Bound::Unbounded => usize::MAX,
            Bound::Excluded(end) => *end,
            Bound::Included(last) => last.saturating_add(1),
        };
        let rows = self.between(start, end).map(|(spot, row)| (spot.key.clone(), Arc::clone(row)));
        Window(rows.collect::<Vec<_>>().into_iter())
    }
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Rows<K, V, S> {
    /// No rows. `sort` is the sort key of all rows if they are in the order of their keys.
    pub(super) fn new(sort: Option<S>, head: Option<usize>) -> Self {
        let sorts = match sort {
            Some(sort) => Sorts::Same(Some(sort)),
            None => Sorts::Each(Tree::new()),
        };
        Self { placed: Tree::new(), sorts, head }
    }

    /// Makes rows from these, which may be in any order.
    pub(super) fn of(
        mut rows: Vec<(K, Placed<V, S>)>,
        sort: Option<S>,
        head: Option<usize>,
    ) -> Self {
        let mut made = Self::new(sort, head);
        if let Sorts::Each(sorts) = &mut made.sorts {
            rows.sort_by(|(one, _), (two, _)| one.cmp(two));
            let all = rows.iter().map(|(key, placed)| (key.clone(), placed.sort.clone()));
            *sorts = Tree::from_sorted(all);
        }
        let spots = rows.into_iter().map(|(key, Placed { row, sort })| (Spot { sort, key }, row));
        let mut spots: Vec<_> = spots.collect();
        spots.sort_by(|(one, _), (two, _)| one.cmp(two));
        made.placed = Tree::from_sorted(spots);
        made
    }

    /// The place of a key, if it passes the filters.
    fn spot(&self, key: &K) -> Option<Spot<S, K>> {
        let sort = match &self.sorts {
            Sorts::Same(sort) => sort.as_ref()?,
            Sorts::Each(sorts) => sorts.get(key)?,
        };
        Some(Spot { sort: sort.clone(), key: key.clone() })
    }

    /// The number of rows before a place.
    pub(super) fn rank(&self, spot: &Spot<S, K>) -> usize {
        self.placed.rank(spot).0.min(self.shown())
    }

    /// The position of a key; `None` if it is not among the rows.
    pub fn position(&self, key: &K) -> Option<usize> {
        let (position, is_there) = self.placed.rank(&self.spot(key)?);
        (is_there && position < self.shown()).then_some(position)
    }

    /// Whether the key is among the rows.
    pub fn contains_key(&self, key: &K) -> bool {
        self.position(key).is_some()
    }

    /// The row of a key, if it is among the rows.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.nth(self.position(key)?).map(|(_, row)| row)
    }

    /// All rows, each with its key and sort key.
    pub(super) fn all(&self) -> impl Iterator<Item = (K, Placed<V, S>)> {
        self.between(0, usize::MAX).map(|(spot, row)| {
            (spot.key.clone(), Placed { row: Arc::clone(row), sort: spot.sort.clone() })
        })
    }

    /// Replaces the row of a key, or removes it. Returns whether this changes anything. With `notes`, notes the rows
    /// that enter and leave the visible part.
    pub(super) fn put(
        &mut self,
        key: K,
        new: Option<Placed<V, S>>,
        same: Same<V>,
        mut notes: Option<&mut Notes<K, V, S>>,
    ) -> bool {
        let old = self.spot(&key);
        if let (Some(spot), Some(new)) = (&old, &new)
            && spot.sort.cmp(&new.sort).is_eq()
            && let Some(has_changed) = self.set(spot, new, same, notes.as_deref_mut())
        {
            return has_changed;
        }
        let stays = new.is_some();
        let taken = old.and_then(|spot| self.take_out(&spot, stays, notes.as_deref_mut()));
        let has_changed = taken.is_some() || stays;
        if let Some(mut new) = new {
            if let Some(old) = taken
                && is_same_row(&old, &new.row, same)
            {
                // The row is moved, not replaced.
                new.row = old;
            }
            self.put_in(key, new, notes);
        }
        has_changed
    }

    /// Replaces the row at a place. Returns whether this changes anything; `None` if there is no row.
    fn set(
        &mut self,
        spot: &Spot<S, K>,
        new: &Placed<V, S>,
        same: Same<V>,
        notes: Option<&mut Notes<K, V, S>>,
    ) -> Option<bool> {
        let recorded = notes.filter(|_| self.is_shown(spot));
        let recorded = recorded.map(|notes| (notes, spot.clone(), new.clone()));
        let (_, row) = self.placed.get_mut(spot)?;
        if is_same_row(row, &new.row, same) {
            return Some(false);
        }
        let old = std::mem::replace(row, Arc::clone(&new.row));
        if let Some((notes, Spot { sort, key }, new)) = recorded {
            notes.note_joined(key, Some(Placed { row: old, sort }), Some(new));
        }
        Some(true)
    }

    fn is_shown(&self, spot: &Spot<S, K>) -> bool {
        self.head.is_none_or(|head| self.placed.rank(spot).0 < head)
    }

    /// The row at a position, which enters or leaves the visible part.
    fn at_edge(&self, position: usize) -> Option<(K, Placed<V, S>)> {
        let (spot, row) = self.placed.nth(position)?;
        Some((spot.key.clone(), Placed { row: Arc::clone(row), sort: spot.sort.clone() }))
    }

    // No user code runs between a change and its note, because it may panic. After that, all rows are computed again, so
    // only what was recorded must agree with the placed rows.
    fn take_out(
        &mut self,
        spot: &Spot<S, K>,
        stays: bool,
        notes: Option<&mut Notes<K, V, S>>,
    ) -> Option<Arc<V>> {
        let recorded = notes.filter(|_| self.is_shown(spot));
        // The first row behind the visible part enters it.
        let next = self.head.filter(|_| recorded.is_some()).and_then(|head| self.at_edge(head));
        let (Spot { key, sort }, row) = self.placed.remove(spot)?;
        if let Some(notes) = recorded {
            notes.note_joined(key, Some(Placed { row: Arc::clone(&row), sort }), None);
            if let Some((key, placed)) = next {
                notes.note_joined(key, None, Some(placed));
            }
        }
        // The sort key of a moved row is replaced when the row is inserted.
        if let Sorts::Each(sorts) = &mut self.sorts
            && !stays
        {
            sorts.remove(&spot.key);
        }
        Some(row)
    }

    fn put_in(&mut self, key: K, new: Placed<V, S>, notes: Option<&mut Notes<K, V, S>>) {
        let spot = Spot { sort: new.sort.clone(), key: key.clone() };
        let recorded = notes.filter(|_| self.is_shown(&spot));
        let recorded = recorded.map(|notes| (notes, key.clone(), new.clone()));
        // The last visible row leaves the visible part.
        let last = self.head.filter(|_| recorded.is_some());
        let last = last.and_then(|head| self.at_edge(head.checked_sub(1)?));
        self.placed.insert(spot, new.row);
        if let Some((notes, key, new)) = recorded {
            notes.note_joined(key, None, Some(new));
            if let Some((key, placed)) = last {
                notes.note_joined(key, Some(placed), None);
            }
        }
        if let Sorts::Each(sorts) = &mut self.sorts {
            sorts.insert(key, new.sort);
        }
    }

    /// Whether both show the same rows in the same order.
    pub(super) fn is_same(&self, other: &Self, same: Same<V>) -> bool {
        self.placed.is_same(&other.placed) && self.head == other.head
            || self.len() == other.len()
                && self.between(0, usize::MAX).zip(other.between(0, usize::MAX)).all(
                    |((spot, row), (other_spot, other))| {
                        spot.cmp(other_spot).is_eq() && is_same_row(row, other, same)
                    },
                )
    }

    /// As [`is_same`](Self::is_same), but skips the nodes that both share.
    pub(super) fn returns_to(&self, other: &Self, same: Same<V>) -> bool {
        if self.head.is_some() || other.head.is_some() {
            return self.is_same(other, same);
        }
        self.placed.difference(&other.placed).all(|(_, one, two)| match (one, two) {
            (Some(one), Some(two)) => is_same_row(one, two, same),
            _ => false,
        })
    }

    /// The difference to the other rows, as notes.
    pub(super) fn difference(&self, other: &Self) -> Notes<K, V, S> {
        let mut notes = Notes::new(false);
        for (key, placed) in self.all() {
            notes.note_joined(key, Some(placed), None);
        }
        for (key, placed) in other.all() {
            notes.note_joined(key, None, Some(placed));
        }
        notes
    }
}

impl<K: Clone, V, S: Clone> Clone for Rows<K, V, S> {
    fn clone(&self) -> Self {
        let sorts = match &self.sorts {
            Sorts::Same(sort) => Sorts::Same(sort.clone()),
            Sorts::Each(sorts) => Sorts::Each(sorts.clone()),
        };
        Self { placed: self.placed.clone(), sorts, head: self.head }
    }
}

impl<K, V, S> Default for Rows<K, V, S> {
    fn default() -> Self {
        Self { placed: Tree::new(), sorts: Sorts::Same(None), head: None }
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for Rows<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// An iterator over keys and rows of a view, which holds the rows by reference count.
#[derive(Debug, Clone)]
pub struct Window<K, V>(vec::IntoIter<(K, Arc<V>)>);

impl<K, V> Iterator for Window<K, V> {
    type Item = (K, Arc<V>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.0.nth(n)
    }
}

impl<K, V> DoubleEndedIterator for Window<K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl<K, V> ExactSizeIterator for Window<K, V> {}

impl<K, V> std::iter::FusedIterator for Window<K, V> {}
