//! Where cells are kept: one slab, in which a removed cell leaves its place to the next one.

use std::rc::Rc;

use super::cell::VACANT;
use super::{Body, Cell, CellId, CellKind, Graph, Mark, NONE, Role, SourceOps, SourceRef, Writes};
use crate::store::code::Derive;
use crate::value::{Scalar, Value};

/// The capacity that a store reserves for its first cell.
const FIRST_CELLS: usize = 64;

impl Graph {
    pub(crate) fn add(&mut self, body: Body, value: Option<Value>, arc_backed: bool) -> CellId {
        let version = self.next_version();
        let (id, cell) = self.new_cell();
        cell.version = version;
        cell.kind = body.kind();
        if cell.kind == CellKind::Derived {
            cell.mark = Mark::Stale;
        }
        cell.writes = body.source().map_or(Writes::Compared, |source| Writes::of(&**source));
        cell.value = value;
        cell.body = body;
        cell.arc_backed = arc_backed;
        id
    }

    /// Adds a source that needs no data of its own and compares its values by `==`. The value is built once its place
    /// exists and both are known to be empty: otherwise all of it is copied through the stack, which takes longer than
    /// the rest.
    #[inline]
    pub(crate) fn add_plain<T: 'static>(
        &mut self,
        source: &'static dyn SourceOps,
        value: T,
    ) -> CellId {
        let (id, cell) = self.new_cell();
        cell.kind = CellKind::Source;
        cell.writes = if Scalar::is::<T>() { Writes::Scalar } else { Writes::Compared };
        cell.value.get_or_insert_with(|| Value::new(value));
        std::mem::forget(std::mem::replace(&mut cell.body, Body::Source(SourceRef::Plain(source))));
        id
    }

    /// Adds a computed, in the same way.
    #[inline]
    pub(crate) fn add_derived(&mut self, derived: Rc<dyn Derive>) -> CellId {
        let version = self.next_version();
        let (id, cell) = self.new_cell();
        cell.version = version;
        cell.kind = CellKind::Derived;
        cell.mark = Mark::Stale;
        std::mem::forget(std::mem::replace(&mut cell.body, Body::Derived(derived)));
        id
    }

    /// Adds an effect or a subscription, in the same way.
    #[inline]
    pub(crate) fn add_observer(&mut self, body: Body, value: Option<Value>) -> CellId {
        let version = self.next_version();
        let kind = body.kind();
        let (id, cell) = self.new_cell();
        cell.version = version;
        cell.kind = kind;
        std::mem::forget(std::mem::replace(&mut cell.value, value));
        std::mem::forget(std::mem::replace(&mut cell.body, body));
        id
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called, it copies the empty cell by `memcpy`: 15 % of making a source"
    )]
    #[expect(clippy::cast_possible_truncation, reason = "there is no room for more than 2^32")]
    fn new_cell(&mut self) -> (CellId, &mut Cell) {
        if let Some(index) = self.free_cell {
            return self.vacant_cell(index);
        }
        if self.cells.len() == self.cells.capacity() {
            self.make_room();
        }
        let index = self.cells.len() as u32;
        self.cells.push(VACANT);
        (CellId::new(index, 0), &mut self.cells[index as usize])
    }

    fn vacant_cell(&mut self, index: u32) -> (CellId, &mut Cell) {
        let cell = &mut self.cells[index as usize];
        self.free_cell = (cell.first_source != NONE).then_some(cell.first_source);
        cell.first_source = NONE;
        (CellId::new(index, cell.generation), cell)
    }

    #[cold]
    fn make_room(&mut self) {
        let more = self.cells.len().max(FIRST_CELLS);
        assert!(self.cells.len() + more < NONE as usize, "a store holds fewer than 2^32 cells");
        self.cells.reserve_exact(more);
    }

    /// The length of the slab: cells, and the vacant places of removed ones.
    pub(crate) fn room(&self) -> usize {
        self.cells.len()
    }

    /// `None` if the cell was removed.
    #[inline]
    pub(crate) fn cell(&self, id: CellId) -> Option<&Cell> {
        // A `match`, not `filter`, which added a check for null.
        match self.cells.get(id.index() as usize) {
            Some(cell) if cell.is(id) => Some(cell),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn cell_mut(&mut self, id: CellId) -> Option<&mut Cell> {
        self.cells.get_mut(id.index() as usize).filter(|cell| cell.is(id))
    }

    pub(crate) fn id_at(&self, index: u32) -> CellId {
        CellId::new(index, self.cells[index as usize].generation)
    }

    /// Removes a cell with all its edges. The caller drops what it held, outside of the graph. A computed that read it
    /// runs again when it is read next.
    #[must_use = "user code may run when this is dropped"]
    pub(crate) fn take_out(&mut self, id: CellId) -> Vec<Cell> {
        let mut taken = self.forget_readers(id);
        let Some(cell) = self.cell(id) else {
            return taken;
        };
        let (first_source, head) = (cell.first_source, cell.body.head().copied());
        if cell.watchers.contains(Role::History) {
            self.ended_recorded.push(id);
        }
        if let Some(head) = head {
            self.forget_declared(head.rref.id(), id);
        }
        self.cut(first_source);
        taken.push(self.vacate(id.index()));
        taken
    }

    /// Ends the subscriptions of `id` and cuts the edges to its other readers.
    #[must_use = "user code may run when this is dropped"]
    pub(crate) fn forget_readers(&mut self, id: CellId) -> Vec<Cell> {
        let mut taken = Vec::new();
        if self.cell(id).is_none() {
            return taken;
        }
        if self.cells[id.index() as usize].first_reader != NONE {
            self.mark_readers(id.index(), false);
        }
        // If a reader reads it again in its present run, that counts as the first read.
        self.cells[id.index() as usize].stamp = 0;
        while let Some(edge) = self.first_reader_edge(id.index()) {
            let reader = self.edge_reader(edge);
            self.unlink(edge);
            let cell = &mut self.cells[reader as usize];
            match cell.kind {
                CellKind::Listener => taken.push(self.vacate(reader)),
                CellKind::Derived => cell.mark = Mark::Stale,
                // A change of the removed cell is no reason to run any more.
                CellKind::Effect if cell.mark == Mark::Stale => cell.mark = Mark::Check,
                CellKind::Vacant | CellKind::Source | CellKind::Effect | CellKind::Scope => {}
            }
        }
        taken
    }

    fn vacate(&mut self, index: u32) -> Cell {
        if self.cells[index as usize].checking {
            self.forget_frames(index);
        }
        let place = &mut self.cells[index as usize];
        let vacant = Cell {
            generation: place.generation.wrapping_add(1),
            // The list of vacant places: this one points to the next.
            first_source: self.free_cell.unwrap_or(NONE),
            ..VACANT
        };
        self.free_cell = Some(index);
        std::mem::replace(place, vacant)
    }
}
