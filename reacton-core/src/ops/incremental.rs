//! Computeds that edit their last result instead of computing it again.

use crate::graph::CellId;
use crate::panics::FirstPanic;
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::Place;
use crate::store::reader::Reader;
use crate::value::{Held, Value};

/// Identifies a value in one store, as long as its cell exists.
pub(crate) type Seen = (CellId, u64);

impl Reader<'_> {
    /// Returns the value of `reacton`, which can be held while user code runs. The run depends on it. Also returns the
    /// identification of the value, if there is a cell.
    ///
    /// # Panics
    /// If it is a computed that panicked.
    pub(crate) fn hold<R: Readable>(&self, reacton: &R) -> (Held<R::Value>, Option<Seen>) {
        let store = self.store();
        let found = match reacton.place(store) {
            Some(Place(cell)) => store.fetch(cell, Some(self.stamp())).map(|value| (cell, value)),
            None => None,
        };
        let (value, seen) = match found {
            Some((cell, value)) => {
                let version = store.graph_ref().cell(cell).map(|cell| cell.version);
                (value, version.map(|version| (cell, version)))
            }
            None => (Value::new(reacton.absent(store)), None),
        };
        store.expect_value::<R::Value>(&value);
        (Held::new(value).expect("`expect_value` has checked the type"), seen)
    }

    /// Takes the last result, to edit it. `None` before the first run and after a panic.
    ///
    /// It is the only reference to its content, unless something reads it or a transaction is open.
    pub(crate) fn take_result<T: Clone + Default + 'static>(&self) -> Option<T> {
        let held = {
            let mut graph = self.graph();
            if !self.store().phase().is_open()
                && let Some(place) = graph.value_mut::<T>(self.cell())
            {
                return Some(std::mem::take(place));
            }
            graph.cell(self.cell())?.value.clone()?
        };
        held.get::<T>().cloned()
    }

    /// The last result. `None` before the first run and after a panic.
    pub(crate) fn last_result<T: 'static>(&self) -> Option<Held<T>> {
        let value = { self.graph().cell(self.cell())?.value.clone()? };
        Held::new(value)
    }

    /// Stores an edited result. If it has changed in the open transaction, `same` determines whether readers see the
    /// same value as before it.
    // It is stored in any case, because parts that readers do not see may have changed.
    pub(crate) fn put_result<T: 'static>(
        &self,
        result: T,
        has_changed: bool,
        same: impl FnOnce(&T, &T) -> bool,
    ) {
        let cell = self.cell();
        let version = if has_changed {
            let before = { self.graph().derived_record(cell) };
            let mut panics = FirstPanic::NONE;
            let returns = |before: &T| panics.guard(|| same(before, &result)).unwrap_or(false);
            let before = before.filter(|(before, _)| before.get::<T>().is_some_and(returns));
            panics.forget();
            before.map(|(_, version)| version)
        } else {
            self.store().graph_ref().cell(cell).map(|cell| cell.version)
        };
        let is_open = self.store().phase().is_open();
        let mut result = Some(result);
        let mut graph = self.graph();
        if !is_open && let Some(place) = graph.value_mut::<T>(cell) {
            if let Some(result) = &mut result {
                std::mem::swap(place, result);
            }
            graph.mark_recomputed(cell, version);
        } else if let Some(result) = result.take() {
            graph.store_result(cell, Value::new(result), version, is_open);
        }
        // A value that was not stored is dropped after the borrow has ended.
        drop(graph);
    }
}
