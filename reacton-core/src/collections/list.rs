//! A list whose items are inserted, removed, moved, replaced, observed and merged one by one.

mod at;
mod edit;
pub(super) mod item;
mod iter;
mod joining;
mod merging;
mod undo;
mod whole;
#[cfg(feature = "serde")]
mod wire;

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

pub use self::at::ListPlace;
pub use self::item::{ItemId, ListItem};
use self::item::{ItemKey, Place, Register};
use self::iter::Iter;
use self::joining::Open;
use super::keyed::Keyed;
use super::tree::Tree;

/// A list as the value of a reacton: `#[reacton] static QUEUE: ReactonList<Track> = ReactonList::new();`.
///
/// It is read by index, as a `Vec` is. Each item also has an [`ItemId`], which stays the same when the item is moved or
/// replaced. The methods accept it in place of an index. An insertion, a removal or a move takes a time that grows with
/// the logarithm of the length, at the beginning of the list as well as at its end.
///
/// Several stores may edit the list at the same time. Items that one store inserts at one place stay together. An item
/// that two stores move is in the list once. An item that one store moves or sets and another one removes is removed.
///
/// # Examples
/// ```
/// # use reacton_core::ReactonList;
/// let mut queue = ReactonList::from(["a", "b", "c"]);
/// let before = queue.clone();
/// let last = queue.id_at(2).expect("there are three");
/// queue.move_to(last, 0);
/// queue.remove(1);
/// queue.set(last, "C");
/// assert!(queue.iter().eq(&["C", "b"]));
/// assert_eq!(queue.index_of(last), Some(0));
/// assert_eq!(before.len(), 3);
/// ```
pub struct ReactonList<T> {
    /// The registers of all items.
    registers: Keyed<ItemKey, ListItem<T>>,
    /// The items with all three registers, in the order of the list. It is computed from the registers.
    order: Tree<Place, Arc<T>>,
    /// The items that have registers, but were not put yet.
    ahead: Tree<ItemId, ()>,
    /// The last number that was used for an item or a position. It grows only.
    last: u64,
    /// The site of the store, while it edits the list.
    site: u64,
    /// The edits that were not sent to other stores yet.
    open: Option<Box<Open<T>>>,
}

impl<T> ReactonList<T> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            registers: Keyed::new(),
            order: Tree::new(),
            ahead: Tree::new(),
            last: 0,
            site: 0,
            open: None,
        }
    }

    /// The number of items.
    #[inline]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items, in order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self.order.iter())
    }

    /// The items whose indices are in `range`, as far as they exist: the items that a window of a long list shows.
    pub fn range(&self, range: impl RangeBounds<usize>) -> Iter<'_, T> {
        let start = match range.start_bound() {
            Bound::Unbounded => 0,
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
        };
        let end = match range.end_bound() {
            Bound::Unbounded => usize::MAX,
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
        };
        Iter(self.order.positions(start, end))
    }

    /// The ids of the items, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = ItemId> + ExactSizeIterator {
        iter::Ids(self.order.iter())
    }

    /// The first item.
    pub fn first(&self) -> Option<&T> {
        self.order.nth(0).map(|(_, item)| &**item)
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.order.nth(self.len().checked_sub(1)?).map(|(_, item)| &**item)
    }

    /// The items with their places.
    pub(super) fn order(&self) -> &Tree<Place, Arc<T>> {
        &self.order
    }

    /// The id of the item at an index.
    pub fn id_at(&self, index: usize) -> Option<ItemId> {
        self.order.nth(index).map(|(place, _)| place.id)
    }
}

impl<T: 'static> ReactonList<T> {
    /// The item at an index, or of an id.
    pub fn get(&self, place: impl ListPlace) -> Option<&T> {
        self.get_arc(place).map(|item| &**item)
    }

    /// The same item as an `Arc`, so that it can be kept without a copy.
    pub fn get_arc(&self, place: impl ListPlace) -> Option<&Arc<T>> {
        place.__find(self)
    }

    /// The index of an item, if the list contains it.
    pub fn index_of(&self, id: ItemId) -> Option<usize> {
        let (index, is_there) = self.order.rank(&self.place(id)?);
        is_there.then_some(index)
    }

    /// Whether the list contains the item.
    pub fn contains(&self, id: ItemId) -> bool {
        self.index_of(id).is_some()
    }

    /// The place of an item, if it has a position.
    fn place(&self, id: ItemId) -> Option<Place> {
        match self.registers.get(&id.key(Register::Position))? {
            ListItem::At(position) => Some(Place { position: position.clone(), id }),
            _ => None,
        }
    }
}

impl<T> Clone for ReactonList<T> {
    fn clone(&self) -> Self {
        Self {
            registers: self.registers.clone(),
            order: self.order.clone(),
            ahead: self.ahead.clone(),
            last: self.last,
            // A copy that is edited outside of its store must not use the store's numbers.
            site: 0,
            open: self.open.clone(),
        }
    }
}

impl<T> Default for ReactonList<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for ReactonList<T> {
    /// Whether both lists have equal items in the same order. Ids are not compared.
    fn eq(&self, other: &Self) -> bool {
        let mut both = self.order.iter().zip(other.order.iter());
        self.order.is_same(&other.order)
            || self.len() == other.len()
                && both.all(|((_, one), (_, other))| Arc::ptr_eq(one, other) || one == other)
    }
}

impl<T: Eq> Eq for ReactonList<T> {}

impl<T: fmt::Debug> fmt::Debug for ReactonList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: 'static> Extend<T> for ReactonList<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            self.push(item);
        }
    }
}

impl<T: 'static> FromIterator<T> for ReactonList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::new();
        list.extend(items);
        list
    }
}

impl<T: 'static, const N: usize> From<[T; N]> for ReactonList<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: 'static> From<Vec<T>> for ReactonList<T> {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<'a, T> IntoIterator for &'a ReactonList<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
