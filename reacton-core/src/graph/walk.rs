//! Marking everything downstream of a change, and checking upstream whether a reader must run. Neither uses recursion,
//! so a chain of any length costs no stack.

use super::edges::Edge;
use super::{Cell, CellId, Graph, Mark, NONE};

/// A walk up from one cell to what has to run before it. Its frames lie above those of the walks around it.
pub(crate) struct Walk {
    base: usize,
    topology_epoch: u64,
    /// The frame in progress.
    at: Frame,
}

/// A cell that waits for one of its sources.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// `NONE` once the cell was removed.
    cell: u32,
    /// The next edge to check; `NONE` after the last.
    edge: u32,
}

/// What the first source of an observer shows.
pub(crate) enum Glance {
    /// It has changed: the observer has to run.
    News,
    /// It is a computed that has to run before that is known.
    Run(CellId),
    /// It is a computed whose sources may have changed: a walk has to continue there.
    Below(Walk),
    /// Not enough to avoid a walk.
    Unknown,
}

/// The next step of a walk.
pub(crate) enum Step {
    /// The target is up to date.
    Fresh,
    /// A source of the target has changed: the target has to run.
    Target,
    /// This computed has to run before the walk can go on.
    Run(u32),
}

impl Graph {
    /// Checks the first source of `observer`, and the first source of that one. For an effect that reads one computed
    /// of written reactons, this replaces a whole walk. No frame is kept while that computed runs, so nothing has to be
    /// corrected if its run changes the graph.
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

    /// Begins a walk at the first source of `observer`.
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

    /// Whether `target` certainly has to run: it is stale, or its first source is up to date and has changed.
    #[inline]
    pub(crate) fn has_first_news(&self, target: CellId) -> bool {
        self.is_stale(target)
            || self.first_source(target).is_some_and(|(edge, source)| {
                source.mark == Mark::Clean && has_changed(edge, source)
            })
    }

    /// The first source of a cell that has to be checked.
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

    /// Continues the walk after a computed has run. Returns whether some cell waited for that.
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

    /// Walks until something has to run. A computed runs before its readers.
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

    /// Called when user code removed edges or cells, or wrote: checks each frame again from its first edge.
    #[cold]
    fn look_again(&mut self, walk: &mut Walk) {
        walk.topology_epoch = self.topology_epoch;
        for frame in self.frames.iter_mut().skip(walk.base) {
            if let Some(cell) = self.cells.get(frame.cell as usize) {
                frame.edge = cell.first_source;
            }
        }
    }

    /// Clears this cell in all frames.
    #[cold]
    pub(super) fn forget_frames(&mut self, cell: u32) {
        self.topology_epoch += 1;
        for frame in self.frames.iter_mut().filter(|frame| frame.cell == cell) {
            frame.cell = NONE;
        }
    }
}

/// Returns to the previous frame.
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

/// What the sources of one cell show.
enum News {
    None,
    /// One has changed.
    Run,
    /// This one has to be updated first, even if another has already changed: it may change back, and an observer of it
    /// is called with its latest value.
    Marked(u32),
}

/// Whether the source has a version that this reader has not seen. Only for a source without a mark.
#[inline]
fn has_changed(edge: &Edge, source: &Cell) -> bool {
    source.running || source.version != edge.seen
}

/// Checks the sources from `edge` on.
#[inline]
fn look_along(edge: &mut u32, edges: &[Edge], cells: &[Cell]) -> News {
    while let Some(at) = edges.get(*edge as usize) {
        let upstream = &cells[at.source as usize];
        if upstream.mark != Mark::Clean {
            // One that is already being checked depends on itself: running it reports the cycle.
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
    /// Marks everything downstream of `source`, whose value has changed, and queues the observers there. It stops at
    /// cells that are marked: everything downstream of these is marked, too. `settled`: the version that its readers
    /// saw cannot come back, as it could at the end of a batch. Then a reader whose first source it is has to run in
    /// any case, because checking its sources would find this change first.
    pub(super) fn mark_readers(&mut self, source: u32, settled: bool) {
        let Self { cells, edges, queue, pending, .. } = self;
        let (cells, edges) = (cells.as_mut_slice(), edges.as_slice());
        let mut edge = cells[source as usize].first_reader;
        // The edge to continue with; those after it are in `pending`.
        let mut next = NONE;
        loop {
            while let Some(at) = edges.get(edge as usize) {
                let cell = &mut cells[at.reader as usize];
                let read = std::mem::replace(&mut edge, at.next_reader);
                if cell.mark != Mark::Clean {
                    continue;
                }
                // A reader that is running sees the current value when it reads.
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
