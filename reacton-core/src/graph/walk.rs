//! Marking down and checking up, both without recursion: a chain of any length costs no stack.

use super::edges::Edge;
use super::{Cell, CellId, Graph, Mark, NONE};

/// A way up from one cell to whatever has to run before it. Its frames stand on those of the walks around it.
pub(crate) struct Walk {
    base: usize,
    upheavals: u64,
    /// Where it stands.
    at: Frame,
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
    /// Begins a walk. `None` if the target is up to date.
    #[inline]
    pub(crate) fn walk_to(&self, target: CellId) -> Option<Walk> {
        let cell = self.cell(target).filter(|cell| cell.mark != Mark::Clean)?;
        let at = Frame { cell: target.index(), edge: cell.first_source };
        Some(Walk { base: self.frames.len(), upheavals: self.upheavals, at })
    }

    /// Walks on, after what had to run has run. Returns whether there is a cell that waited for it.
    #[inline]
    pub(crate) fn walk_on(&mut self, walk: &mut Walk) -> bool {
        if walk.upheavals != self.upheavals {
            self.look_again(walk);
        }
        match leave(&mut self.frames, &mut self.cells, walk.base) {
            Some(frame) => {
                walk.at = frame;
                true
            }
            None => false,
        }
    }

    /// Walks until something has to run. Computeds come before what reads them.
    #[expect(
        clippy::inline_always,
        reason = "a call costs as much as a step, and there are two steps between two runs"
    )]
    #[inline(always)]
    pub(crate) fn climb(&mut self, walk: &mut Walk) -> Step {
        let (base, mut at) = (walk.base, walk.at);
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
        let Self { cells, edges, queue, pending, .. } = self;
        let (cells, edges) = (cells.as_mut_slice(), edges.as_slice());
        let mut edge = cells[source as usize].first_reader;
        loop {
            while let Some(at) = edges.get(edge as usize) {
                let cell = &mut cells[at.reader as usize];
                edge = at.next_reader;
                if cell.mark != Mark::Clean {
                    continue;
                }
                cell.mark = Mark::Check;
                if cell.kind.is_observer() {
                    queue.push((cell.version, CellId::new(at.reader, cell.generation)));
                } else if cell.first_reader != NONE {
                    if edge != NONE {
                        pending.push(edge);
                    }
                    edge = cell.first_reader;
                }
            }
            match pending.pop() {
                Some(next) => edge = next,
                None => break,
            }
        }
    }
}
