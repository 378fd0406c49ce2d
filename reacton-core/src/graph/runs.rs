//! Runs: how what a computed or an effect reads becomes its edges.
//!
//! A run confirms the edges of the last one in order, without allocating. A new read is inserted at the
//! cursor, and what it did not confirm is cut when it ends.

use std::num::NonZeroU32;

use super::{Cell, CellId, CellKind, Graph, Mark, NONE, Named};
use crate::value::Scalar;
use crate::value::{Comparable, Value};

/// The number of a run, by which a repeated read is recognised: a source keeps the stamp of the run that read it last.
pub(crate) type RunStamp = NonZeroU32;

/// A run that is going on.
pub(crate) struct Run {
    /// `NONE` once it has ended in its own run.
    pub(crate) cell: CellId,
    stamp: u32,
    /// The last edge that was confirmed.
    cursor: u32,
    /// The edge after the cursor: what the last run read next.
    expected: u32,
}

impl Run {
    /// What is made in it has no owner.
    pub(crate) const UNOWNED: Self =
        Self { cell: CellId::NONE, stamp: 0, cursor: NONE, expected: NONE };
}

impl Graph {
    /// Begins a run of `reader`: every source that it reads from now on is one of its edges. `None` if it has ended,
    /// something is left of its last run, or it is not one that `may_run`.
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

    /// Once in four billion runs: an old stamp must not look like a new one.
    #[cold]
    fn forget_stamps(&mut self) -> RunStamp {
        self.cells.iter_mut().for_each(|cell| cell.stamp = 0);
        RunStamp::MIN
    }

    /// Ends the innermost run, which is one of `reader`: cuts the edges that it did not confirm. `None` if `reader`
    /// has ended meanwhile.
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

    /// Ends the innermost run, which is one of the computed `id`, with a scalar that takes the place of the last one. `false`, and
    /// nothing is done, if there is no scalar yet, or the cell is gone.
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

    /// The run `stamp` has read `source` as it is now.
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

    /// A read that the last run did not make at this place.
    fn track_anew(&mut self, stamp: RunStamp, source: CellId) {
        let version = self.cells[source.index() as usize].version;
        let Some(at) = self.running.iter().rposition(|run| run.stamp == stamp.get()) else {
            return;
        };
        let Run { cell: reader, cursor, expected, .. } = self.running[at];
        // A reader that has ended in its own run depends on nothing any more.
        if self.cell(reader).is_some() {
            let edge = self.link(source.index(), reader.index(), cursor, expected, version);
            self.running[at].cursor = edge;
        }
    }

    /// The innermost run, if it is one of a computed, depends on `source`, though it has not read it by its own reader.
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

    /// `edge` is taken away from `reader` in the middle of its run.
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

    /// How many computeds and effects run inside of each other, and the names of the outermost and the innermost.
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

    /// The names along which `id` leads to itself, from the computeds that are running.
    pub(crate) fn cycle(&self, id: CellId) -> Vec<Named> {
        let from = self.running.iter().position(|run| run.cell == id).unwrap_or(0);
        let path = self.running[from..].iter().map(|run| run.cell).chain([id]);
        let is_computed =
            |id: &CellId| self.cell(*id).is_some_and(|cell| cell.kind == CellKind::Derived);
        path.filter(is_computed).map(|id| self.named(id)).collect()
    }
}
