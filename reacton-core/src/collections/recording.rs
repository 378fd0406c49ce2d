//! What a history records of a collection: the entries that edits of this store touch.

use std::any::Any;
use std::cell::{Cell, RefCell};

use super::cell::ValueOf;
use crate::graph::CellId;
use crate::merge::{Merge, Renamed, Touched, Way};
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::store::code::TouchedEntries;
use crate::value::Same;

/// What was touched in the open transaction, if anything records it.
pub(super) struct Recording<T: Merge> {
    is_on: Cell<bool>,
    touched: RefCell<Option<Box<dyn Touched<T>>>>,
}

impl<T: Merge> Default for Recording<T> {
    fn default() -> Self {
        Self { is_on: Cell::new(false), touched: RefCell::new(None) }
    }
}

impl<T: Merge> Recording<T> {
    /// Begins or ends.
    pub(super) fn turn(&self, on: bool) {
        self.forget();
        self.is_on.set(on);
    }

    /// Notes what one edit has changed. If user code panics, the edit is not recorded.
    pub(super) fn note(&self, changes: &T::Changes, panics: &mut FirstPanic) {
        if !self.is_on.get() {
            return;
        }
        let Some(later) = panics.guard(|| T::__touched(changes)).flatten() else { return };
        let before = self.touched.take();
        let touched = match before {
            None => Some(later),
            Some(mut touched) => {
                panics.guard(|| touched.append(&*later));
                Some(touched)
            }
        };
        drop(self.touched.replace(touched));
    }

    /// Takes what was noted, without what came out equal. A comparison that panics counts as a difference.
    pub(super) fn take(
        &self,
        same: Same<ValueOf<T>>,
        panics: &mut FirstPanic,
    ) -> Option<Box<dyn TouchedEntries>> {
        Some(Box::new(Erased(self.take_unequal(same, panics)?)))
    }

    fn take_unequal(
        &self,
        same: Same<ValueOf<T>>,
        panics: &mut FirstPanic,
    ) -> Option<Box<dyn Touched<T>>> {
        let mut touched = self.touched.take()?;
        let mut compared = FirstPanic::NONE;
        panics.guard(|| {
            touched.drop_equal(&mut |old, new| {
                same.is_some_and(|same| compared.guard(|| same(old, new)).unwrap_or(false))
            });
        });
        panics.keep(compared.take());
        if touched.is_empty() { None } else { Some(touched) }
    }

    /// The transaction has come to nothing. What is left differs from what was taken in the middle of it.
    pub(super) fn settle(&self, same: Same<ValueOf<T>>) {
        let mut panics = FirstPanic::NONE;
        let left = self.take_unequal(same, &mut panics);
        drop(self.touched.replace(left));
        panics.forget();
    }

    fn forget(&self) {
        drop(self.touched.take());
    }
}

/// Entries, without the type of their value.
struct Erased<T: Merge>(Box<dyn Touched<T>>);

impl<T: Merge> TouchedEntries for Erased<T> {
    fn append(&mut self, later: &dyn TouchedEntries) {
        if let Some(Self(later)) = later.as_any().downcast_ref() {
            self.0.append(&**later);
        }
    }

    fn replay(&self, store: &ReactonStore, id: CellId, way: Way) -> Renamed {
        let mut renamed = Renamed::new();
        store.edit_entries(id, |value: &mut T| renamed = self.0.replay(value, way));
        renamed
    }

    fn rename(&mut self, renamed: &Renamed) {
        self.0.rename(renamed);
    }

    fn boxed(&self) -> Box<dyn TouchedEntries> {
        Box::new(Self(self.0.boxed()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
