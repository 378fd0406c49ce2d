//! Access to collections for the layer that connects stores.

use super::Wiring;
use crate::collections::cell::{MergedCell, ValueOf};
use crate::merge::Merge;
use crate::panics::FirstPanic;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::declare::Reacton;

impl Wiring<'_> {
    /// The number under which the store adds to counters.
    #[must_use]
    pub fn counts_as(self) -> u64 {
        self.store.counts_as()
    }

    /// From now on the store adds to counters under this number, which no other living store has.
    pub fn set_counts_as(self, name: u64) {
        self.store.set_counts_as(name);
    }

    /// Joins entries of another store to the value of `reacton`, by the closure `join`, whose result is returned. Call
    /// it only within [`take_in`](Self::take_in). Observers are called if the value has changed, is announced, or was
    /// reported as stale. Returns `None` if the store is disposed, or if user code panics; the panic is stored in
    /// `panics`.
    #[track_caller]
    pub fn join<T: Merge, M, U>(
        self,
        reacton: &Reacton<T, M>,
        announced: bool,
        panics: &mut FirstPanic,
        join: impl FnOnce(&mut T) -> U,
    ) -> Option<U> {
        let Place(id) = reacton.cell(self.store)?;
        let announced = announced || self.store.is_reported(reacton.reacton_ref().id());
        self.store.join_entries(id, announced, panics, join)
    }

    /// Changes data beside the entries of the value, such as their versions. This is not a write, and no observer is
    /// called. `None` if the store is disposed.
    ///
    /// # Panics
    /// If `amend` does.
    #[track_caller]
    pub fn amend<T: Merge, M, U>(
        self,
        reacton: &Reacton<T, M>,
        amend: impl FnOnce(&mut T) -> U,
    ) -> Option<U> {
        let Place(id) = reacton.cell(self.store)?;
        self.store.amend_entries(id, amend)
    }

    /// Fills the value of a new store, in which nothing has been read yet.
    #[track_caller]
    pub fn fill<T: Merge, M>(self, reacton: &Reacton<T, M>, fill: impl FnOnce(&mut T)) {
        let Some(Place(id)) = reacton.cell(self.store) else { return };
        self.store.amend_entries(id, fill);
        self.store.graph().changed_for_good(id);
    }

    /// Whether two values of an entry are equal for `reacton`; `None` if every write is a change.
    #[must_use]
    #[track_caller]
    pub fn same_entry<T: Merge, M>(
        self,
        reacton: &Reacton<T, M>,
        a: &ValueOf<T>,
        b: &ValueOf<T>,
    ) -> Option<bool> {
        let Place(id) = reacton.cell(self.store)?;
        let source = self.store.graph_ref().merged(id)?;
        Some(MergedCell::<T>::of(&source)?.same?(a, b))
    }
}
