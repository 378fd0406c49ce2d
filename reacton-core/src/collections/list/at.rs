//! How an item is named: by its index or by its id.

use std::sync::Arc;

use super::item::Placed;
use super::{ItemId, ReactonList};
use crate::collections::at::Entry;
use crate::collections::patch::Patch;

/// Selects an item of a [`ReactonList`]: an index, or an [`ItemId`].
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no item of a list",
    label = "an item is named by its index, which is a `usize`, or by its `ItemId`"
)]
pub trait ListPlace: Copy + sealed::Sealed {
    #[doc(hidden)]
    fn __index<T: 'static>(self, list: &ReactonList<T>) -> Option<usize>;
    #[doc(hidden)]
    fn __find<T: 'static>(self, list: &ReactonList<T>) -> Option<&Arc<T>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for super::ItemId {}
}

impl ListPlace for usize {
    fn __index<T: 'static>(self, list: &ReactonList<T>) -> Option<usize> {
        (self < list.len()).then_some(self)
    }

    fn __find<T: 'static>(self, list: &ReactonList<T>) -> Option<&Arc<T>> {
        list.order.nth(self).map(|(_, item)| item)
    }
}

impl ListPlace for ItemId {
    fn __index<T: 'static>(self, list: &ReactonList<T>) -> Option<usize> {
        list.index_of(self)
    }

    fn __find<T: 'static>(self, list: &ReactonList<T>) -> Option<&Arc<T>> {
        list.order.get(&list.place(self)?)
    }
}

impl<T: Clone + 'static> Entry for ReactonList<T> {
    type Name = ItemId;
    type Found = Option<T>;

    fn __find(&self, id: &ItemId) -> Option<T> {
        self.get(*id).cloned()
    }

    fn __each_key(changes: &Patch<Placed, T>, f: &mut dyn FnMut(&ItemId)) {
        changes.ids().map(Placed::id).for_each(f);
    }

    fn __same(same: fn(&T, &T) -> bool, old: &Option<T>, new: &Option<T>) -> bool {
        match (old, new) {
            (Some(old), Some(new)) => same(old, new),
            (old, new) => old.is_none() && new.is_none(),
        }
    }
}
