//! Marking everything downstream of a change, and checking upstream whether a reader must run. Neither uses recursion,
//! so a chain of any length costs no stack.

use super::edges::Edge;
use super::{Cell, CellId, Graph, Mark, NONE};

/// A way up from one cell to whatever has to run before it. Its frames stand on those of the walks around it.
pub(crate) struct Walk {
    base: usize,
    topology_epoch: u64,
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

/// What the first source of an observer says of it.
pub(crate) enum Glance {
    /// It has changed: the observer has to run.
    News,
    /// It is a computed that has to run before that is known.
    Run(CellId),
    /// It is a computed with sources that are not known to be up to date: a walk is to go on there.
    Below(Walk),
    /// Nothing that spares a walk.
    Unknown,
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
    /// Looks at the first source of `observer`, and at the first source of that one. Of an effect that reads one computed of
    /// written reactons this says all that a walk would say.
    // Nothing is kept while that computed runs, so nothing has to be mended if its run changes the graph.
    #[inline]
    pub(crate) fn glance(&mut self, observer: CellId) -> Glance {
        let Some((edge, source)) = self.first_source(observer) else {
            return if self.is_stale(observer) { Glance::News } else { Glance::Unknown };
        };
        match source.mark {
            Mark::Clean if has_changed(edge, source) => return Glance::News,
            Mark::Clean => return Glance::Unknown,
            Mark::Check | Mark::Stale if source.running || source.checking => {
                return Glance::Unknown;
            }
            Mark::Stale => return Glance::Run(CellId::new(edge.source, source.generation)),
            Mark::Check => {}
        }
        let Some(upstream) = self.edges.get(source.first_source as usize) else {
            return Glance::Unknown;
        };
        let read = &self.cells[upstream.source as usize];
        if read.mark != Mark::Clean {
            let at = Frame { cell: edge.source, edge: source.first_source };
            return Glance::Below(self.walk_below(observer.index(), at));
        }
        if has_changed(upstream, read) {
            Glance::Run(CellId::new(edge.source, source.generation))
        } else {
            Glance::Unknown
        }
    }

    /// Begins a walk at the first source of `observer`, which waits for it.
    #[inline]
    fn walk_below(&mut self, observer: u32, at: Frame) -> Walk {
        let base = self.frames.len();
        let cell = &mut self.cells[observer as usize];
        cell.checking = true;
        self.frames.push(Frame { cell: observer, edge: cell.first_source });
        self.walk_from(base, at)
    }

    #[inline]
    fn walk_from(&self, base: usize, at: Frame) -> Walk {
        Walk { base, topology_epoch: self.topology_epoch, at }
    }

    #[inline]
    fn is_stale(&self, target: CellId) -> bool {
        self.cell(target).is_some_and(|cell| cell.mark == Mark::Stale)
    }

    /// Whether the first source of `target` is up to date and has changed, or the target is stale, so that it has to run.
    #[inline]
    pub(crate) fn has_first_news(&self, target: CellId) -> bool {
        self.is_stale(target)
            || self.first_source(target).is_some_and(|(edge, source)| {
                source.mark == Mark::Clean && has_changed(edge, source)
            })
    }

    /// The first source of a cell that is to be checked.
    #[inline]
    fn first_source(&self, target: CellId) -> Option<(&Edge, &Cell)> {
        let cell = self.cell(target).filter(|cell| cell.mark == Mark::Check)?;
        let edge = self.edges.get(cell.first_source as usize)?;
        Some((edge, &self.cells[edge.source as usize]))
    }

    /// Begins a walk. `None` if the target is up to date.
    #[inline]
    pub(crate) fn walk_to(&self, target: CellId) -> Option<Walk> {
        let cell = self.cell(target).filter(|cell| cell.mark != Mark::Clean)?;
        let at = Frame { cell: target.index(), edge: cell.first_source };
        Some(self.walk_from(self.frames.len(), at))
    }

    /// Walks on, after what had to run has run. Returns whether there is a cell that waited for it.
    #[inline]
    pub(crate) fn walk_on(&mut self, walk: &mut Walk) -> bool {
        if walk.topology_epoch != self.topology_epoch {
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
        walk.topology_epoch = self.topology_epoch;
        for frame in self.frames.iter_mut().skip(walk.base) {
            if let Some(cell) = self.cells.get(frame.cell as usize) {
                frame.edge = cell.first_source;
            }
        }
    }

    /// No frame waits as this cell any more.
    #[cold]
    pub(super) fn forget_frames(&mut self, cell: u32) {
        self.topology_epoch += 1;
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

/// What the sources of one cell say about it.
enum News {
    None,
    /// One has changed.
    Run,
    /// This one has to be brought up to date first, even if another has changed already: it may change back, and
    /// an observer of it is called with its latest value.
    Marked(u32),
}

/// Whether the reader of this edge has not seen its source as it is: one that is marked by nothing.
#[inline]
fn has_changed(edge: &Edge, source: &Cell) -> bool {
    source.running || source.version != edge.seen
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
        if has_changed(at, upstream) {
            return News::Run;
        }
        *edge = at.next_source;
    }
    News::None
}

impl Graph {
    /// Marks everything downstream of `source`, whose value has changed, and queues the observers there. Stops at what is marked
    /// already: whatever lies behind it is marked too.
    ///
    /// `settled`: the version that its readers have seen cannot come back, as it may at the end of a batch. Then a reader whose
    /// first source it is has to run in any case, since that is what a look at its sources would find first.
    pub(super) fn mark_readers(&mut self, source: u32, settled: bool) {
        let Self { cells, edges, queue, pending, .. } = self;
        let (cells, edges) = (cells.as_mut_slice(), edges.as_slice());
        let mut edge = cells[source as usize].first_reader;
        // The edge to go on at, and in `pending` those after it.
        let mut next = NONE;
        loop {
            while let Some(at) = edges.get(edge as usize) {
                let cell = &mut cells[at.reader as usize];
                let read = std::mem::replace(&mut edge, at.next_reader);
                if cell.mark != Mark::Clean {
                    continue;
                }
                // One that is running sees what it reads from now on.
                let is_first = at.source == source && cell.first_source == read;
                let stale = settled && is_first && !cell.running;
                cell.mark = if stale { Mark::Stale } else { Mark::Check };
                if cell.kind.is_observer() {
                    queue.push((cell.version, CellId::new(at.reader, cell.generation)));
                } else if cell.first_reader != NONE {
                    if edge != NONE {
                        if next != NONE {
                            pending.push(next);
                        }
                        next = edge;
                    }
                    edge = cell.first_reader;
                }
            }
            if next == NONE {
                break;
            }
            edge = std::mem::replace(&mut next, pending.pop().unwrap_or(NONE));
        }
    }
}
