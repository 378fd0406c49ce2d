//! The dependency graph of one store: cells and edges in two slabs, linked by 32-bit indices.
//!
//! Nothing in this module runs user code. The store borrows the graph for one call, clones reference-counted handles
//! out of it, releases the borrow, and only then calls user code. So the graph is never borrowed twice.
//!
//! The layout follows alien-signals (<https://github.com/stackblitz/alien-signals>): an edge is in two doubly linked
//! lists, the sources of its reader and the readers of its source. The difference is how a change is found: each cell
//! has the version of its value, each edge the version that its reader saw, and a reader must run if and only if the
//! two differ. A value that returns to what it was before the transaction gets its old version back, and then no reader
//! has to run.

mod body;
mod cell;
mod cells;
mod computed;
mod declared;
mod edges;
mod install;
mod kin;
mod names;
mod owned;
mod queue;
mod records;
mod runs;
mod scalar;
pub(crate) mod table;
mod teardown;
mod values;
mod walk;
mod writes;
mod written;

use std::collections::HashSet;

use crate::id::ReactonRef;
use crate::value::Value;

pub(crate) use body::{Body, MemberOf, SourceOps, SourceRef, same_held};
pub(crate) use cell::{Cell, CellKind, Mark, Special};
pub(crate) use computed::Panicked;
use declared::Declarations;
pub(crate) use declared::{Found, LastToken, Token};
pub(crate) use install::Announcement;
pub(crate) use names::{Named, joined};
pub(crate) use owned::{Belongings, Cleanup, Ownership, call_each};
pub(crate) use queue::Ending;
pub(crate) use records::{HeldBy, Record, RecordKind, Records};
pub(crate) use runs::{Run, RunStamp};
pub(crate) use scalar::ScalarWrite;
pub(crate) use teardown::{Deferred, drop_cells};
pub(crate) use values::{Compared, Displaced};
pub(crate) use walk::{Glance, Step, Walk};
pub(crate) use writes::Writes;
pub(crate) use written::Roles;
pub use written::{Role, Written};

/// The index that stands for no cell and no edge.
const NONE: u32 = u32::MAX;

/// Identifies a cell of one store: its index in the lower half, its generation in the upper one. The generation
/// distinguishes it from a later cell at the same index. One number, so that it travels in one register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct CellId(u64);

impl CellId {
    /// No cell of any store.
    pub(crate) const NONE: Self = Self::new(NONE, 0);

    const fn new(index: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | index as u64)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the index")]
    const fn index(self) -> u32 {
        self.0 as u32
    }

    const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// A cell id, as a type that may stand in the signature of a public trait.
#[derive(Debug, PartialEq, Eq)]
pub struct Place(pub(crate) CellId);

pub(crate) struct Graph {
    cells: Vec<Cell>,
    edges: Vec<edges::Edge>,
    free_cell: Option<u32>,
    free_edge: Option<u32>,
    declared: Declarations,
    pub(crate) ending: Vec<Ending>,
    /// Cells that have ended, and that a history records.
    pub(crate) ended_recorded: Vec<CellId>,
    /// The observers of the next round, each with the number that orders them.
    pub(crate) queue: Vec<(u64, CellId)>,
    /// The computeds and effects that are running now, outermost first. They show the path of a cycle, and the
    /// innermost owns what is created.
    pub(crate) running: Vec<Run>,
    /// Values that a run has replaced, to be dropped outside of the graph when the run is over.
    pub(crate) displaced: Vec<Value>,
    /// Drops that were nested too deep, to be done once the outer drops have ended.
    pub(crate) deferred: Vec<Deferred>,
    /// Values to be dropped when the store ends, because each of their drops writes something whose drop writes again.
    pub(crate) abandoned: Vec<Deferred>,
    /// The version that was assigned last.
    versions: u64,
    /// Readers of a computed that was running when they read it, each with that computed.
    cycles: Vec<(CellId, CellId)>,
    pub(crate) records: Records,
    /// The names of the reactons whose equal updates were reported. Empty in release builds.
    pub(crate) reported: HashSet<String>,
    pub(crate) ownership: Ownership,
    stamps: RunStamp,
    /// The frames of the walks in progress, outermost first.
    frames: Vec<walk::Frame>,
    /// Scratch of `mark_readers`.
    pending: Vec<u32>,
    /// Bumped when an edge of an active walk may have changed.
    topology_epoch: u64,
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            edges: Vec::new(),
            free_cell: None,
            free_edge: None,
            declared: Declarations::default(),
            ending: Vec::new(),
            ended_recorded: Vec::new(),
            queue: Vec::new(),
            running: Vec::new(),
            displaced: Vec::new(),
            deferred: Vec::new(),
            abandoned: Vec::new(),
            versions: 0,
            cycles: Vec::new(),
            records: Records::default(),
            reported: HashSet::default(),
            ownership: Ownership::default(),
            stamps: RunStamp::MIN,
            frames: Vec::new(),
            pending: Vec::new(),
            topology_epoch: 0,
        }
    }
}

impl Graph {
    /// Stops reporting writes to the extension of this role.
    pub(crate) fn forget_watcher(&mut self, role: Role) {
        for cell in &mut self.cells {
            cell.watchers.remove(role);
        }
        self.forget_watcher_of_families(role);
    }

    /// Sets whether writes of this source by the program are refused.
    pub(crate) fn refuse_writes(&mut self, id: CellId, refused: bool) {
        if let Some(cell) = self.cell_mut(id) {
            cell.writes = cell.writes.with_refusal(refused);
        }
    }

    /// Whether a cell is written entry by entry.
    #[inline]
    pub(crate) fn is_merged(&self, id: CellId) -> bool {
        self.cell(id).is_some_and(|cell| cell.writes.is_merged())
    }

    /// The source of a cell that is written entry by entry.
    #[inline]
    pub(crate) fn merged(&self, id: CellId) -> Option<SourceRef> {
        match self.cell(id) {
            Some(cell) if cell.writes.is_merged() => cell.body.source().cloned(),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn is_refused(&self, id: CellId) -> bool {
        self.cell(id).is_some_and(|cell| cell.writes.is_refused())
    }

    /// The reacton of a cell whose writes are refused; of a member, its family.
    pub(crate) fn refused(&self, id: CellId) -> Option<ReactonRef> {
        let cell = self.cell(id).filter(|cell| cell.writes.is_refused())?;
        let family = cell.body.member().map(|member| member.family.rref);
        family.or_else(|| Some(cell.body.head()?.rref))
    }
}

#[cfg(test)]
impl Graph {
    /// The number of families that the store has a record of.
    pub(crate) fn families(&self) -> usize {
        self.declared.families.len()
    }

    /// The number of edges, for tests of what is left behind.
    pub(crate) fn live_edges(&self) -> usize {
        let mut free = 0;
        let mut next = self.free_edge;
        while let Some(edge) = next {
            free += 1;
            next = self.edges[edge as usize].next_free();
        }
        self.edges.len() - free
    }

    pub(crate) fn live_cells(&self) -> usize {
        self.cells.iter().filter(|cell| cell.kind != CellKind::Vacant).count()
    }
}

#[cfg(test)]
mod tests;
