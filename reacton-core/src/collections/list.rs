//! A list whose items come, go, move and change, are told and merge one by one.

mod at;
mod edit;
mod item;
mod iter;
mod joining;
mod merging;
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
/// It is read by index, as a `Vec` is. Each item also has an [`ItemId`], which stays the same while the item moves and changes, and
/// which the methods accept in place of an index. An insertion, a removal or a move costs as much at the beginning as at the end of the
/// list: it grows with the logarithm of the length.
///
/// If several stores edit the list at the same time, what each inserts at one place stays together, an item that two of them move is in
/// one place, and one that is moved or set in one store and removed in another is removed.
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
    /// What there is of each item.
    registers: Keyed<ItemKey, ListItem<T>>,
    /// The items of which there are all registers. It follows from those.
    order: Tree<Place, Arc<T>>,
    /// The items of which something has arrived before they were put.
    ahead: Tree<ItemId, ()>,
    /// The last number that was used for an item or a position. It grows only.
    last: u64,
    /// The site of the store, while it edits the list.
    site: u64,
    /// What other stores do not know yet.
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

    /// The items whose indices are in `range`, those that there are: what a window of a long list shows.
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

    /// The same item by reference count, to be held without a copy.
    pub fn get_arc(&self, place: impl ListPlace) -> Option<&Arc<T>> {
        place.__find(self)
    }

    /// The index of an item, if it is there.
    pub fn index_of(&self, id: ItemId) -> Option<usize> {
        let (index, is_there) = self.order.rank(&self.place(id)?);
        is_there.then_some(index)
    }

    /// Whether the item is there.
    pub fn contains(&self, id: ItemId) -> bool {
        self.index_of(id).is_some()
    }

    /// Where an item stands, if there is a position of it.
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
            // A copy that is edited beside its store must not use the numbers of that.
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
    /// Whether they hold equal items in the same order, whichever ids these have.
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
