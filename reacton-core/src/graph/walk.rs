//! Marking down and checking up, both without recursion: a chain of any length costs no stack.

use super::edges::Edge;
use super::{Cell, CellId, Graph, Mark, NONE};

/// A way up from one cell to whatever has to run before it. Its frames stand on those of the walks around it.
pub(crate) struct Walk {
    base: usize,
    upheavals: u64,
}

#[derive(Clone, Copy)]
pub(super) struct Frame {
    cell: CellId,
    /// The edge to look at next; `NONE` after the last.
    edge: u32,
}

/// What a walk asks for next.
pub(crate) enum Step {
    /// The target is up to date.
    Fresh,
    /// Something that the target reads has changed: it has to run.
    Target,
    /// This computed has to run before the walk can go on.
    Run(CellId),
}

impl Graph {
    pub(crate) fn walk(&self) -> Walk {
        Walk { base: self.frames.len(), upheavals: self.upheavals }
    }

    /// Begins a walk, and walks until something has to run. Computeds come before what reads them.
    #[inline]
    pub(crate) fn walk_to(&mut self, target: CellId) -> Step {
        match self.cell(target) {
            Some(cell) if cell.mark != Mark::Clean => {
                let edge = cell.first_source;
                self.climb(self.frames.len(), Frame { cell: target, edge })
            }
            _ => Step::Fresh,
        }
    }

    /// Walks on, after what had to run has run.
    #[inline]
    pub(crate) fn walk_on(&mut self, walk: &mut Walk) -> Step {
        if walk.upheavals != self.upheavals {
            self.look_again(walk);
        }
        match self.leave(walk.base) {
            Some(frame) => self.climb(walk.base, frame),
            None => Step::Fresh,
        }
    }

    fn climb(&mut self, base: usize, mut at: Frame) -> Step {
        loop {
            // No look-up by generation: a cell that is gone was an upheaval.
            let cell = &self.cells[at.cell.index as usize];
            let news = match cell.mark {
                Mark::Clean => News::None,
                Mark::Stale => News::Run,
                Mark::Check => look_along(&mut at.edge, &self.edges, &self.cells),
            };
            match news {
                News::Marked(source) => at = self.enter(at, source),
                News::Run if self.frames.len() == base => return Step::Target,
                News::Run => return Step::Run(at.cell),
                News::None => {
                    self.cells[at.cell.index as usize].mark = Mark::Clean;
                    match self.leave(base) {
                        Some(frame) => at = frame,
                        None => return Step::Fresh,
                    }
                }
            }
        }
    }

    /// Leaves `at` waiting for one of its sources.
    #[inline]
    fn enter(&mut self, at: Frame, source: u32) -> Frame {
        self.cells[at.cell.index as usize].checking = true;
        self.frames.push(at);
        let upstream = &self.cells[source as usize];
        let cell = CellId { index: source, generation: upstream.generation };
        Frame { cell, edge: upstream.first_source }
    }

    /// Returns to the cell that waited last.
    #[inline]
    fn leave(&mut self, base: usize) -> Option<Frame> {
        if self.frames.len() == base {
            return None;
        }
        let frame = self.frames.pop()?;
        self.cells[frame.cell.index as usize].checking = false;
        Some(frame)
    }

    /// User code took edges or cells away, or wrote: looks at each frame from its first edge again.
    #[cold]
    fn look_again(&mut self, walk: &mut Walk) {
        walk.upheavals = self.upheavals;
        let frames = self.frames.split_off(walk.base);
        for frame in frames {
            if let Some(cell) = self.cell(frame.cell) {
                let edge = cell.first_source;
                self.frames.push(Frame { edge, ..frame });
            }
        }
    }
}

/// What the sources of one cell tell of it.
enum News {
    None,
    /// One has changed.
    Run,
    /// This one has to be brought up to date first, even if another has changed already: it may change back, and
    /// who hears it gets its latest value.
    Marked(u32),
}

/// Looks at the sources from `edge` on.
#[inline]
fn look_along(edge: &mut u32, edges: &[Edge], cells: &[Cell]) -> News {
    while let Some(at) = edges.get(*edge as usize) {
        let upstream = &cells[at.source as usize];
        if upstream.mark != Mark::Clean {
            // One that is checked already leads to itself: running it makes the cycle show.
            let cyclic = upstream.running || upstream.checking;
            return if cyclic { News::Run } else { News::Marked(at.source) };
        }
        if upstream.running || upstream.version != at.seen {
            return News::Run;
        }
        *edge = at.next_source;
    }
    News::None
}

impl Graph {
    /// Marks everything downstream of `source` and queues the observers there. Stops at what is marked already:
    /// whatever lies behind it is marked too.
    pub(super) fn mark_readers(&mut self, source: u32) {
        let mut pending = std::mem::take(&mut self.pending);
        let mut edge = self.cells[source as usize].first_reader;
        loop {
            while edge != NONE {
                let next = self.next_reader_edge(edge);
                let reader = self.edge_reader(edge);
                let cell = &mut self.cells[reader as usize];
                if cell.mark == Mark::Clean {
                    cell.mark = Mark::Check;
                    if cell.kind.is_observer() {
                        let id = CellId { index: reader, generation: cell.generation };
                        self.queue.push((cell.version, id));
                    } else if cell.first_reader != NONE {
                        if next != NONE {
                            pending.push(next);
                        }
                        edge = cell.first_reader;
                        continue;
                    }
                }
                edge = next;
            }
            match pending.pop() {
                Some(next) => edge = next,
                None => break,
            }
        }
        self.pending = pending;
    }
}
