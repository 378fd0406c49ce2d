//! Marking down and checking up, both without recursion: a chain of any length costs no stack.

use std::rc::Rc;

use super::edges::Edge;
use super::{Body, Cell, CellId, Graph, Mark, NONE};
use crate::derive::Derive;

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
    Run(CellId, Rc<dyn Derive>),
}

/// What one look at the sources of a cell tells.
pub(crate) enum Look {
    /// The cell is gone, or up to date.
    Fresh,
    /// It has to run.
    Changed,
    /// A source has to be brought up to date first.
    Walk,
}

impl Graph {
    pub(crate) fn walk_to(&mut self, target: CellId) -> Walk {
        let walk = Walk { base: self.frames.len(), upheavals: self.upheavals };
        if let Some(cell) = self.cell_mut(target) {
            cell.checking = true;
            let edge = cell.first_source;
            self.frames.push(Frame { cell: target, edge });
        }
        walk
    }

    /// Walks on until something has to run. Computeds come before what reads them.
    pub(crate) fn step(&mut self, walk: &mut Walk) -> Step {
        if walk.upheavals != self.upheavals {
            self.look_again(walk);
        }
        let Self { cells, edges, frames, .. } = self;
        while frames.len() > walk.base
            && let Some(mut at) = frames.pop()
        {
            loop {
                // No look-up by generation: a cell that is gone was an upheaval.
                let news = match cells[at.cell.index as usize].mark {
                    Mark::Clean => News::None,
                    Mark::Stale => News::Run,
                    Mark::Check => look_along(&mut at.edge, edges, cells),
                };
                if let News::Marked(source) = news {
                    frames.push(at);
                    let upstream = &mut cells[source as usize];
                    upstream.checking = true;
                    let cell = CellId { index: source, generation: upstream.generation };
                    at = Frame { cell, edge: upstream.first_source };
                    continue;
                }
                let cell = &mut cells[at.cell.index as usize];
                cell.checking = false;
                if let News::Run = news {
                    // Only computeds lie on the way up from a cell.
                    return match &cell.body {
                        Body::Derived(derived) if frames.len() > walk.base => {
                            Step::Run(at.cell, Rc::clone(derived))
                        }
                        _ => Step::Target,
                    };
                }
                cell.mark = Mark::Clean;
                break;
            }
        }
        Step::Fresh
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
    /// Looks at the sources of `target` alone, which is enough unless one of them is marked.
    pub(crate) fn look(&mut self, target: CellId) -> Look {
        let Some(cell) = self.cell(target) else { return Look::Fresh };
        match cell.mark {
            Mark::Clean => return Look::Fresh,
            Mark::Stale => return Look::Changed,
            Mark::Check => {}
        }
        let mut edge = cell.first_source;
        match look_along(&mut edge, &self.edges, &self.cells) {
            News::Run => Look::Changed,
            News::Marked(_) => Look::Walk,
            News::None => {
                if let Some(cell) = self.cell_mut(target) {
                    cell.mark = Mark::Clean;
                }
                Look::Fresh
            }
        }
    }

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
