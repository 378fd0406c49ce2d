//! Marking down and checking up, both without recursion: a chain of any length costs no stack.

use super::edges::Edge;
use super::{Cell, CellId, Graph, Mark, NONE};

/// A way up from one cell to whatever has to run before it. Its frames stand on those of the walks around it.
pub(crate) struct Walk {
    base: usize,
    upheavals: u64,
}

/// A cell that waits for one of its sources.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// `NONE` once it is gone.
    cell: u32,
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
    Run(u32),
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
                self.climb(self.frames.len(), Frame { cell: target.index(), edge })
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
        match leave(&mut self.frames, &mut self.cells, walk.base) {
            Some(frame) => self.climb(walk.base, frame),
            None => Step::Fresh,
        }
    }

    fn climb(&mut self, base: usize, mut at: Frame) -> Step {
        let Self { cells, edges, frames, .. } = self;
        let (cells, edges) = (cells.as_mut_slice(), edges.as_slice());
        loop {
            let news = match cells[at.cell as usize].mark {
                Mark::Clean => News::None,
                Mark::Stale => News::Run,
                Mark::Check => look_along(&mut at.edge, edges, cells),
            };
            match news {
                News::Marked(source) => {
                    cells[at.cell as usize].checking = true;
                    frames.push(at);
                    at = Frame { cell: source, edge: cells[source as usize].first_source };
                }
                News::Run if frames.len() == base => return Step::Target,
                News::Run => return Step::Run(at.cell),
                News::None => {
                    cells[at.cell as usize].mark = Mark::Clean;
                    match leave(frames, cells, base) {
                        Some(frame) => at = frame,
                        None => return Step::Fresh,
                    }
                }
            }
        }
    }

    /// User code took edges or cells away, or wrote: looks at each frame from its first edge again.
    #[cold]
    fn look_again(&mut self, walk: &mut Walk) {
        walk.upheavals = self.upheavals;
        for frame in self.frames.iter_mut().skip(walk.base) {
            if let Some(cell) = self.cells.get(frame.cell as usize) {
                frame.edge = cell.first_source;
            }
        }
    }

    /// Nobody waits as this cell any more.
    #[cold]
    pub(super) fn forget_frames(&mut self, cell: u32) {
        self.upheavals += 1;
        for frame in self.frames.iter_mut().filter(|frame| frame.cell == cell) {
            frame.cell = NONE;
        }
    }
}

/// Returns to the cell that waited last.
#[inline]
fn leave(frames: &mut Vec<Frame>, cells: &mut [Cell], base: usize) -> Option<Frame> {
    while frames.len() > base
        && let Some(frame) = frames.pop()
    {
        if let Some(cell) = cells.get_mut(frame.cell as usize) {
            cell.checking = false;
            return Some(frame);
        }
    }
    None
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
                        let id = CellId::new(reader, cell.generation);
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
