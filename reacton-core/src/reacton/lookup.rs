//! Finds the cell of a static in a store, or creates it.

use crate::graph::{Body, CellId, Found, RunStamp};
use crate::id::{Head, RefId};
use crate::reacton::access::sealed::{Located, Place};
use crate::store::ReactonStore;
use crate::store::reader::Reader;
use crate::value::Value;

impl ReactonStore {
    /// The cell of a static that this store has already used.
    #[inline]
    pub(crate) fn known_cell(&self, id: RefId, address: usize) -> Option<CellId> {
        match self.graph().find(id, address) {
            Found::Cell(cell) => Some(cell),
            Found::Duplicate(_) | Found::Missing => None,
        }
    }

    /// The cell of a declaration, created if needed. `None` if the store is disposed.
    #[track_caller]
    pub(crate) fn declared_cell(
        &self,
        head: &Head,
        address: usize,
        make: impl FnOnce() -> (Body, Option<Value>, bool),
    ) -> Option<CellId> {
        if self.is_ended() {
            return None;
        }
        if let Some(cell) = self.find_declared(head, address) {
            return Some(cell);
        }
        // The initial value is user code: it may read, write, or create this very cell.
        let (body, value, arc_backed) = make();
        if self.is_ended() {
            return None;
        }
        if let Some(cell) = self.find_declared(head, address) {
            return Some(cell);
        }
        let mut graph = self.graph();
        let cell = graph.add(body, value, arc_backed);
        graph.declare(head.rref.id(), address, cell);
        Some(cell)
    }

    #[track_caller]
    fn find_declared(&self, head: &Head, address: usize) -> Option<CellId> {
        let found = self.graph().find(head.rref.id(), address);
        match found {
            Found::Cell(cell) => Some(cell),
            Found::Duplicate(first) => self.refuse_duplicate(&first, head),
            Found::Missing => None,
        }
    }

    /// Computes the static or member `computed` in this store, which is otherwise empty. The value is not read from the
    /// cell, because the computation may dispose the store.
    #[track_caller]
    pub(crate) fn compute_alone<T: 'static>(
        &self,
        computed: &impl Located<Held = T>,
        compute: impl FnOnce(&Reader<'_>) -> T,
    ) -> T {
        let cell = computed.cell(self).map_or(CellId::NONE, |Place(cell)| cell);
        let stamp = self.graph().begin(cell, |_| true).map_or(RunStamp::MIN, |(stamp, _)| stamp);
        self.phase().computing(|| compute(&Reader::new(self, cell, stamp)))
    }
}
