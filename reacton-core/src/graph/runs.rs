//! Runs: how the reads of a computed or an effect become its edges. A run confirms the edges of the last run in order,
//! without allocating. A new read is inserted at the cursor, and edges that were not confirmed are removed when the run
//! ends.

use std::num::NonZeroU32;

use super::{Cell, CellId, CellKind, Graph, Mark, NONE, Named};
use crate::value::Scalar;
use crate::value::{Comparable, Value};

/// The number of a run. A source keeps the number of the run that read it last, which detects repeated reads.
pub(crate) type RunStamp = NonZeroU32;

/// A run in progress.
pub(crate) struct Run {
    /// `NONE` once the cell was removed during its own run.
    pub(crate) cell: CellId,
    stamp: u32,
    /// The edge that was confirmed last.
    cursor: u32,
    /// The edge after the cursor: the next read of the last run.
    expected: u32,
}

impl Run {
    /// A run without a cell: what is created during it has no owner.
    pub(crate) const UNOWNED: Self =
        Self { cell: CellId::NONE, stamp: 0, cursor: NONE, expected: NONE };
}

impl Run {
    /// The run of the closure of a scope, which owns what is created during it. What it reads becomes no edge.
    pub(crate) fn of_scope(scope: CellId) -> Self {
        Self { cell: scope, ..Self::UNOWNED }
    }
}

impl Graph {
    /// The scope whose closure is running, if it owns what is created now.
    pub(crate) fn running_scope(&self) -> Option<CellId> {
        let owner = self.running.last()?.cell;
        let is_scope = self.cell(owner).is_some_and(|cell| cell.kind == CellKind::Scope);
        is_scope.then_some(owner)
    }

    /// Begins a run of `reader`: each source that it reads becomes one of its edges. `None` if it was removed, still
    /// owns something from its last run, or does not satisfy `may_run`.
    #[inline]
    pub(crate) fn begin(
        &mut self,
        reader: CellId,
        may_run: impl FnOnce(&Cell) -> bool,
    ) -> Option<(RunStamp, &mut Cell)> {
        let stamp = self.next_stamp();
        let cell = self.cells.get_mut(reader.index() as usize)?;
        if !cell.is(reader) || cell.is_owner() || !may_run(cell) {
            return None;
        }
        cell.mark = Mark::Clean;
        cell.running = true;
        self.topology_epoch += u64::from(cell.checking);
        self.running.push(Run {
            cell: reader,
            stamp: stamp.get(),
            cursor: NONE,
            expected: cell.first_source,
        });
        Some((stamp, cell))
    }

    #[inline]
    fn next_stamp(&mut self) -> RunStamp {
        self.stamps = self.stamps.checked_add(1).unwrap_or_else(|| self.forget_stamps());
        self.stamps
    }

    /// Called once in four billion runs, because an old number must not equal a new one.
    #[cold]
    fn forget_stamps(&mut self) -> RunStamp {
        self.cells.iter_mut().for_each(|cell| cell.stamp = 0);
        RunStamp::MIN
    }

    /// Ends the innermost run, which belongs to `reader`: removes the edges that were not confirmed. `None` if `reader`
    /// was removed during the run.
    #[inline]
    pub(crate) fn finish(&mut self, reader: CellId) -> Option<&mut Cell> {
        let run = self.running.pop()?;
        if run.expected != NONE {
            self.cut(run.expected);
        }
        let cell = self.cells.get_mut(reader.index() as usize).filter(|cell| cell.is(reader))?;
        cell.running = false;
        Some(cell)
    }

    /// Ends the innermost run, of the computed `id`, with a scalar that replaces the last one. Returns `false` and does
    /// nothing if the cell holds no scalar yet or was removed.
    #[inline]
    pub(crate) fn end_with_scalar<T: Comparable>(&mut self, id: CellId, new: &T) -> bool {
        if self.records.has_derived() {
            return false;
        }
        let Some(cell) = self.cells.get_mut(id.index() as usize).filter(|cell| cell.is(id)) else {
            return false;
        };
        let Some(Value::Scalar(scalar)) = &mut cell.value else { return false };
        let (Some(place), Some(now)) = (scalar.get::<T>(), Scalar::new(new)) else { return false };
        if !place.same(new) {
            *scalar = now;
            self.versions += 1;
            cell.version = self.versions;
        }
        cell.mark = Mark::Clean;
        cell.running = false;
        let expected = self.running.pop().map_or(NONE, |run| run.expected);
        if expected != NONE {
            self.cut(expected);
        }
        self.close_cycles(id);
        true
    }

    /// Records that the run `stamp` has read the current value of `source`.
    #[expect(
        clippy::inline_always,
        reason = "the look-up of the cell is that of the read around it"
    )]
    #[inline(always)]
    pub(crate) fn track(&mut self, stamp: RunStamp, source: CellId) {
        let Some(read) = self.cells.get_mut(source.index() as usize) else { return };
        if read.stamp == stamp.get() {
            return;
        }
        read.stamp = stamp.get();
        if let Some(run) = self.running.last_mut()
            && run.stamp == stamp.get()
            && let Some(edge) = self.edges.get_mut(run.expected as usize)
            && edge.source == source.index()
        {
            edge.seen = read.version;
            run.cursor = run.expected;
            run.expected = edge.next_source;
        } else {
            self.track_anew(stamp, source);
        }
    }

    /// Adds an edge for a read that the last run did not make here.
    fn track_anew(&mut self, stamp: RunStamp, source: CellId) {
        let version = self.cells[source.index() as usize].version;
        let Some(at) = self.running.iter().rposition(|run| run.stamp == stamp.get()) else {
            return;
        };
        let Run { cell: reader, cursor, expected, .. } = self.running[at];
        // A reader that was removed during its own run depends on nothing any more.
        if self.cell(reader).is_some() {
            let edge = self.link(source.index(), reader.index(), cursor, expected, version);
            self.running[at].cursor = edge;
        }
    }

    /// Makes the innermost run, if it belongs to a computed, depend on `source`, which was not read through its reader.
    pub(crate) fn track_in_innermost_computed(&mut self, source: CellId) {
        let Some(run) = self.running.last() else { return };
        let is_computed = self.cell(run.cell).is_some_and(|cell| cell.kind == CellKind::Derived);
        if is_computed && let Some(stamp) = RunStamp::new(run.stamp) {
            self.track(stamp, source);
        }
    }

    /// The reader of the run `stamp`.
    pub(crate) fn reader_of(&self, stamp: RunStamp) -> Option<CellId> {
        self.running.iter().rfind(|run| run.stamp == stamp.get()).map(|run| run.cell)
    }

    /// Called when `edge` is removed from `reader` during its run.
    #[cold]
    pub(super) fn pull(&mut self, reader: u32, edge: u32, before: u32, after: u32) {
        for run in self.running.iter_mut().filter(|run| run.cell.index() == reader) {
            if run.cursor == edge {
                run.cursor = before;
            }
            if run.expected == edge {
                run.expected = after;
            }
        }
    }

    /// The number of nested computeds and effects that are running, and the names of the outermost and the innermost.
    pub(crate) fn running_chain(&self) -> (usize, Vec<Named>) {
        const NAMED: usize = 3;
        let runs = self.running.iter().map(|run| run.cell).filter(|cell| *cell != CellId::NONE);
        let depth = runs.clone().count();
        let ends = runs.enumerate().filter(|(at, _)| *at < NAMED || *at + NAMED >= depth);
        let mut names: Vec<_> = ends.map(|(_, cell)| self.named(cell)).collect();
        if depth > 2 * NAMED {
            names.insert(NAMED, Named::text(".."));
        }
        (depth, names)
    }

    /// The names on the path from `id` to itself, through the running computeds.
    pub(crate) fn cycle(&self, id: CellId) -> Vec<Named> {
        let from = self.running.iter().position(|run| run.cell == id).unwrap_or(0);
        let path = self.running[from..].iter().map(|run| run.cell).chain([id]);
        let is_computed =
            |id: &CellId| self.cell(*id).is_some_and(|cell| cell.kind == CellKind::Derived);
        path.filter(is_computed).map(|id| self.named(id)).collect()
    }
}
