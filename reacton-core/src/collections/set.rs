//! A sorted set whose elements are written, observed and merged one by one.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::RangeBounds;
use std::sync::Arc;

use super::at::Entry;
use super::changes::KeyedChanges;
use super::keyed::{Entries, Keyed};
use crate::merge::{Edit, Merge, MergeByCount, Shown, Touched, Version, Which, Writer};

/// A sorted set as the value of a reacton: `#[reacton] static CHOSEN: ReactonSet<u64> = ReactonSet::new();`.
///
/// It compares to a [`ReactonMap`](crate::ReactonMap) as a `BTreeSet` does to a `BTreeMap`.
///
/// # Examples
/// ```
/// # use reacton_core::ReactonSet;
/// let mut chosen = ReactonSet::from([3, 1, 2]);
/// assert!(!chosen.insert(3) && chosen.remove(&1));
/// assert!(chosen.iter().eq(&[2, 3]));
/// ```
pub struct ReactonSet<T> {
    elements: Keyed<T, ()>,
}

impl<T> ReactonSet<T> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { elements: Keyed::new() }
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn keyed(&mut self) -> &mut Keyed<T, ()> {
        &mut self.elements
    }

    /// The elements, in order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self.elements.iter())
    }

    /// The element at a position: 0 is that of the smallest.
    pub fn nth(&self, position: usize) -> Option<&T> {
        self.elements.nth(position).map(|(element, ())| element)
    }

    /// The elements at the positions from `start` up to `end`, as far as they exist.
    pub fn positions(&self, start: usize, end: usize) -> Iter<'_, T> {
        Iter(self.elements.positions(start, end))
    }

    /// The smallest element.
    pub fn first(&self) -> Option<&T> {
        self.nth(0)
    }

    /// The largest element.
    pub fn last(&self) -> Option<&T> {
        self.nth(self.len().checked_sub(1)?)
    }
}

impl<T: Ord + Clone> ReactonSet<T> {
    /// Whether the set contains the element.
    pub fn contains<Q: Ord + ?Sized>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.elements.get(element).is_some()
    }

    /// The number of smaller elements, which is the position of the element if the set contains it.
    pub fn rank<Q: Ord + ?Sized>(&self, element: &Q) -> usize
    where
        T: Borrow<Q>,
    {
        self.elements.rank(element).0
    }

    /// The elements in `range`; none if it ends before it begins.
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> Iter<'_, T>
    where
        T: Borrow<Q>,
    {
        Iter(self.elements.range(&range))
    }

    /// Adds an element. Returns `true` if it is new.
    pub fn insert(&mut self, element: T) -> bool {
        self.elements.put(element, ()).is_none()
    }

    /// Removes an element. Returns `true` if the set contained it.
    pub fn remove<Q: Ord + ?Sized>(&mut self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.elements.remove(element).is_some()
    }

    /// Removes the smallest element, and returns it.
    pub fn pop_first(&mut self) -> Option<T> {
        let first = self.first()?.clone();
        self.remove(&first).then_some(first)
    }

    /// Removes the largest element, and returns it.
    pub fn pop_last(&mut self) -> Option<T> {
        let last = self.last()?.clone();
        self.remove(&last).then_some(last)
    }

    /// Removes the elements for which `keep` returns `false`.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for element in self.iter().filter(|element| !keep(element)).cloned().collect::<Vec<_>>() {
            self.remove(&element);
        }
    }

    /// Removes all elements.
    pub fn clear(&mut self) {
        self.elements.clear();
    }
}

impl<T: Ord + Clone + 'static> Merge for ReactonSet<T> {
    type Key = T;
    type Item = ();
    type Changes = KeyedChanges<T, ()>;

    fn begin(&mut self, writer: Writer) {
        self.elements.begin(writer);
    }

    fn __noted_in(&self) -> Option<usize> {
        self.elements.noted_in()
    }

    fn settle(&mut self) -> Option<Self::Changes> {
        self.elements.settle()
    }

    fn replace(&mut self, other: Self) {
        self.elements.replace(&other.elements);
    }

    fn restore(&mut self, other: &Self) {
        self.elements.restore(&other.elements);
    }

    fn everything(&self) -> Self::Changes {
        self.elements.everything()
    }

    fn seal(&mut self, version: Version, show: &mut dyn FnMut(Edit<&T, &()>)) {
        self.elements.seal(version, show);
    }

    fn join(&mut self, edit: Edit<T, ()>, version: Version) -> bool {
        self.elements.join(edit, version)
    }

    fn show(&self, which: Which<'_, T>, show: &mut dyn FnMut(Edit<&T, &()>, Version)) {
        self.elements.show(&which, show);
    }

    fn revert(&mut self) {
        self.elements.revert();
    }

    fn blank(&mut self) {
        self.elements.blank();
    }

    fn __begin_with(&mut self, reset: Option<Version>, entries: Vec<Shown<Self>>) {
        self.elements.begin_with(reset, entries);
    }

    fn disown(&mut self, element: &T) {
        self.elements.disown(element);
    }

    fn sweep(&mut self, clock: u64) {
        self.elements.sweep(clock);
    }

    fn removals(&self) -> usize {
        self.elements.removals()
    }

    fn newest_clock(&self) -> u64 {
        self.elements.newest_clock()
    }

    fn entries(&self) -> usize {
        self.len()
    }

    const __RECORDS_ENTRIES: bool = true;

    fn __touched(changes: &Self::Changes) -> Option<Box<dyn Touched<Self>>> {
        Some(Box::new(changes.clone()))
    }
}

impl<T: Ord + Clone + 'static> MergeByCount for ReactonSet<T> {
    fn counted(&self, element: &T) -> Option<Arc<()>> {
        self.contains(element).then(Arc::default)
    }

    fn join_counted(&mut self, element: T, _: Arc<()>, version: Version) -> bool {
        self.elements.join_held(element, (), version)
    }
}

impl<T: Clone> Clone for ReactonSet<T> {
    fn clone(&self) -> Self {
        Self { elements: self.elements.clone() }
    }
}

impl<T> Default for ReactonSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for ReactonSet<T> {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}

impl<T: Eq> Eq for ReactonSet<T> {}

impl<T: fmt::Debug> fmt::Debug for ReactonSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<T: Ord + Clone> Extend<T> for ReactonSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        for element in elements {
            self.insert(element);
        }
    }
}

impl<T: Ord + Clone> FromIterator<T> for ReactonSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut set = Self::new();
        set.extend(elements);
        set
    }
}

impl<T: Ord + Clone, const N: usize> From<[T; N]> for ReactonSet<T> {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
    }
}

impl<'a, T> IntoIterator for &'a ReactonSet<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The elements of a [`ReactonSet`], in order.
pub struct Iter<'a, T>(Entries<'a, T, ()>);

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        self.0.next().map(|(element, ())| element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a T> {
        self.0.nth(n).map(|(element, ())| element)
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(element, ())| element)
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T> FusedIterator for Iter<'_, T> {}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.clone()).finish()
    }
}

impl<T: Ord + Clone + 'static> Entry for ReactonSet<T> {
    type Name = T;
    type Found = bool;

    fn __find(&self, element: &T) -> bool {
        self.contains(element)
    }

    fn __each_key(changes: &Self::Changes, f: &mut dyn FnMut(&T)) {
        changes.keys().for_each(f);
    }

    fn __same(_: fn(&(), &()) -> bool, old: &bool, new: &bool) -> bool {
        old == new
    }
}
