//! Marking down and checking up, both without recursion: a chain of any length costs no stack.

use std::rc::Rc;

use super::{Body, CellId, Graph, Mark, NONE};
use crate::derive::Derive;

/// A way up from one cell to whatever has to run before it.
#[derive(Default)]
pub(crate) struct Walk {
    frames: Vec<Frame>,
    upheavals: u64,
}

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

impl Walk {
    pub(crate) fn to(target: CellId, graph: &mut Graph) -> Self {
        let mut walk =
            Self { frames: std::mem::take(&mut graph.spare), upheavals: graph.upheavals };
        walk.enter(target, graph);
        walk
    }

    /// Gives the memory of the walk to the next one.
    pub(crate) fn end(mut self, graph: &mut Graph) {
        self.frames.clear();
        graph.spare = self.frames;
    }

    fn enter(&mut self, id: CellId, graph: &mut Graph) {
        if let Some(cell) = graph.cell_mut(id) {
            cell.checking = true;
            let edge = cell.first_source;
            self.frames.push(Frame { cell: id, edge });
        }
    }

    fn leave(&mut self, graph: &mut Graph) {
        if let Some(frame) = self.frames.pop()
            && let Some(cell) = graph.cell_mut(frame.cell)
        {
            cell.checking = false;
        }
    }

    /// Walks on until something has to run. Computeds come before what reads them.
    pub(crate) fn step(&mut self, graph: &mut Graph) -> Step {
        if self.upheavals != graph.upheavals {
            // User code took edges away: look at each frame from its first edge again.
            self.upheavals = graph.upheavals;
            for frame in &mut self.frames {
                frame.edge = graph.cell(frame.cell).map_or(NONE, |cell| cell.first_source);
            }
        }
        while let Some(frame) = self.frames.last() {
            let (id, edge) = (frame.cell, frame.edge);
            let Some(cell) = graph.cell(id).filter(|cell| cell.mark != Mark::Clean) else {
                self.leave(graph);
                continue;
            };
            if cell.mark == Mark::Stale {
                return self.run(id, graph);
            }
            if edge == NONE {
                if let Some(cell) = graph.cell_mut(id) {
                    cell.mark = Mark::Clean;
                }
                self.leave(graph);
                continue;
            }
            let (source, seen) = graph.source_of(edge);
            let upstream = &graph.cells[source as usize];
            let marked = upstream.mark != Mark::Clean;
            if upstream.running || (marked && upstream.checking) {
                // It leads to itself: running it makes the cycle show.
                return self.run(id, graph);
            }
            if marked {
                // First, even if it has changed already: it may change back, and who hears it gets its latest value.
                let source = graph.id_at(source);
                self.enter(source, graph);
            } else if seen {
                let next = graph.next_source_edge(edge);
                if let Some(frame) = self.frames.last_mut() {
                    frame.edge = next;
                }
            } else {
                return self.run(id, graph);
            }
        }
        Step::Fresh
    }

    fn run(&mut self, id: CellId, graph: &mut Graph) -> Step {
        if self.frames.len() == 1 {
            self.leave(graph);
            return Step::Target;
        }
        let Some(Body::Derived(derived)) = graph.cell(id).map(|cell| &cell.body) else {
            // Only computeds lie on the way up from a cell.
            return Step::Target;
        };
        let derived = Rc::clone(derived);
        self.leave(graph);
        Step::Run(id, derived)
    }
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
        while edge != NONE {
            let (source, seen) = self.source_of(edge);
            let upstream = &self.cells[source as usize];
            if upstream.running || upstream.mark != Mark::Clean {
                return Look::Walk;
            }
            if !seen {
                return Look::Changed;
            }
            edge = self.next_source_edge(edge);
        }
        if let Some(cell) = self.cell_mut(target) {
            cell.mark = Mark::Clean;
        }
        Look::Fresh
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
