//! The look-up of what a static declares: its cell in a store, made on first need.

use crate::graph::{Body, CellId, Found, RunStamp};
use crate::id::{Head, RefId};
use crate::reacton::access::sealed::{Located, Place};
use crate::store::ReactonStore;
use crate::store::reader::Reader;
use crate::value::Value;

impl ReactonStore {
    /// The cell of a static that this store has met before.
    #[inline]
    pub(crate) fn known_cell(&self, id: RefId, address: usize) -> Option<CellId> {
        match self.graph().find(id, address) {
            Found::Cell(cell) => Some(cell),
            Found::Duplicate(_) | Found::Missing => None,
        }
    }

    /// The cell of a declaration, made on first need. `None` if the store is disposed.
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
        // The initial value is user code: it may read, write, or make this very cell.
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

    /// What a store that holds nothing else computes for the static or member `computed`. The value does not pass through the
    /// cell: the computation may dispose this store too.
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
