//! Edges: which cell read which, and what it saw.
//!
//! A run confirms the edges of the last run in order, without allocating; what it reads anew is put in at the
//! cursor, and what lies behind the cursor at the end of the run is cut.

use super::{Cell, CellId, Graph, Mark, NONE};

pub(super) struct Edge {
    pub(super) source: u32,
    reader: u32,
    pub(super) next_source: u32,
    prev_source: u32,
    next_reader: u32,
    prev_reader: u32,
    /// The version that the reader saw.
    pub(super) seen: u64,
}

impl Edge {
    #[cfg(test)]
    pub(super) fn next_free(&self) -> Option<u32> {
        (self.next_source != NONE).then_some(self.next_source)
    }
}

impl Graph {
    /// Begins a run of `reader`: every source that it reads from now on is one of its edges. `None` if it has ended,
    /// or something is left of its last run.
    #[inline]
    pub(crate) fn begin(&mut self, reader: CellId) -> Option<(u32, &mut Cell)> {
        let stamp = self.next_stamp();
        let cell = self.cells.get_mut(reader.index as usize)?;
        if !cell.is(reader) || cell.owns {
            return None;
        }
        cell.mark = Mark::Clean;
        cell.running = true;
        cell.cursor = NONE;
        self.upheavals += u64::from(cell.checking);
        self.running.push(reader);
        Some((stamp, cell))
    }

    #[inline]
    fn next_stamp(&mut self) -> u32 {
        if self.stamps == u32::MAX {
            self.forget_stamps();
        }
        self.stamps += 1;
        self.stamps
    }

    /// Once in four billion runs: an old stamp must not look like a new one.
    #[cold]
    fn forget_stamps(&mut self) {
        self.cells.iter_mut().for_each(|cell| cell.stamp = 0);
        self.stamps = 0;
    }

    /// Ends a run: cuts the edges that it did not confirm.
    #[inline]
    pub(crate) fn finish(&mut self, reader: CellId) -> Option<&mut Cell> {
        self.running.pop();
        let cell = self.cells.get_mut(reader.index as usize).filter(|cell| cell.is(reader))?;
        cell.running = false;
        let cursor = cell.cursor;
        let rest = match cursor {
            NONE => cell.first_source,
            edge => self.edges[edge as usize].next_source,
        };
        if rest != NONE {
            self.cut_sources_after(reader, cursor);
        }
        self.cell_mut(reader)
    }

    /// `reader`, in its run `stamp`, has read `source` as it is now.
    #[inline]
    pub(crate) fn track(&mut self, reader: CellId, stamp: u32, source: CellId) {
        let Some(read) = self.cell_mut(source) else {
            return;
        };
        if read.stamp != stamp {
            let version = read.version;
            self.track_first(reader, stamp, source, version);
        }
    }

    /// The first read of `source` in this run.
    fn track_first(&mut self, reader: CellId, stamp: u32, source: CellId, version: u64) {
        let Some(reading) = self.cell(reader).filter(|cell| cell.running) else {
            return;
        };
        let cursor = reading.cursor;
        let next = match cursor {
            NONE => reading.first_source,
            edge => self.edges[edge as usize].next_source,
        };
        self.cells[source.index as usize].stamp = stamp;
        let edge = match self.edges.get_mut(next as usize) {
            Some(edge) if edge.source == source.index => {
                edge.seen = version;
                next
            }
            _ => self.link(source.index, reader.index, cursor, next, version),
        };
        self.cells[reader.index as usize].cursor = edge;
    }

    /// The run of `source` is over: whoever asked for it meanwhile got a panic, and depends on what came out.
    ///
    /// Linked only now, so that what came out does not mark them.
    #[inline]
    pub(crate) fn close_cycles(&mut self, source: CellId) {
        if !self.cycles.is_empty() {
            self.close_cycles_of(source);
        }
    }

    #[cold]
    fn close_cycles_of(&mut self, source: CellId) {
        let (closed, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.cycles).into_iter().partition(|(_, read)| *read == source);
        self.cycles = open;
        for (reader, _) in closed {
            let (Some(cell), Some(read)) = (self.cell(reader), self.cell(source)) else {
                continue;
            };
            let version = read.version;
            let mut last = NONE;
            let mut next = cell.first_source;
            while next != NONE {
                last = next;
                next = self.next_source_edge(next);
            }
            self.link(source.index, reader.index, last, NONE, version);
        }
    }

    /// Makes `reader` an observer of this one source, as it is now.
    pub(crate) fn observe(&mut self, reader: CellId, source: CellId) {
        if let (Some(_), Some(cell)) = (self.cell(reader), self.cell(source)) {
            self.link(source.index, reader.index, NONE, NONE, cell.version);
        }
    }

    /// The one source of a subscription, which counts as seen from now on.
    pub(crate) fn see_only_source(&mut self, reader: CellId) -> Option<CellId> {
        let cell = self.cell_mut(reader)?;
        cell.mark = Mark::Clean;
        let edge = cell.first_source;
        let source = self.edges.get(edge as usize)?.source;
        self.edges[edge as usize].seen = self.cells[source as usize].version;
        Some(self.id_at(source))
    }

    /// The sources of `reader` whose version is not the one that it saw.
    pub(crate) fn changed_sources(&self, reader: CellId) -> Vec<CellId> {
        self.sources(reader)
            .filter(|edge| self.cells[edge.source as usize].version != edge.seen)
            .map(|edge| self.id_at(edge.source))
            .collect()
    }

    /// The sources of `reader` that are not known to be up to date.
    pub(crate) fn marked_sources(&self, reader: CellId) -> Vec<CellId> {
        self.sources(reader)
            .map(|edge| self.id_at(edge.source))
            .filter(|source| self.cell(*source).is_some_and(|cell| cell.mark != Mark::Clean))
            .collect()
    }

    fn sources(&self, reader: CellId) -> impl Iterator<Item = &Edge> {
        let edge = |index: u32| self.edges.get(index as usize);
        let first = self.cell(reader).and_then(|cell| edge(cell.first_source));
        std::iter::successors(first, move |at| edge(at.next_source))
    }

    pub(super) fn source_after(&self, reader: &Cell, edge: u32) -> u32 {
        if edge == NONE { reader.first_source } else { self.edges[edge as usize].next_source }
    }

    pub(super) fn next_source_edge(&self, edge: u32) -> u32 {
        self.edges[edge as usize].next_source
    }

    pub(super) fn first_reader_edge(&self, source: u32) -> Option<u32> {
        let edge = self.cells[source as usize].first_reader;
        (edge != NONE).then_some(edge)
    }

    pub(super) fn edge_reader(&self, edge: u32) -> u32 {
        self.edges[edge as usize].reader
    }

    pub(super) fn next_reader_edge(&self, edge: u32) -> u32 {
        self.edges[edge as usize].next_reader
    }

    fn link(&mut self, source: u32, reader: u32, after: u32, before: u32, seen: u64) -> u32 {
        let last_reader = self.cells[source as usize].last_reader;
        let edge = self.place(Edge {
            source,
            reader,
            next_source: before,
            prev_source: after,
            next_reader: NONE,
            prev_reader: last_reader,
            seen,
        });
        match after {
            NONE => self.cells[reader as usize].first_source = edge,
            after => self.edges[after as usize].next_source = edge,
        }
        if before != NONE {
            self.edges[before as usize].prev_source = edge;
        }
        match last_reader {
            NONE => self.cells[source as usize].first_reader = edge,
            last => self.edges[last as usize].next_reader = edge,
        }
        self.cells[source as usize].last_reader = edge;
        edge
    }

    fn place(&mut self, edge: Edge) -> u32 {
        if let Some(index) = self.free_edge {
            let place = &mut self.edges[index as usize];
            self.free_edge = (place.next_source != NONE).then_some(place.next_source);
            *place = edge;
            return index;
        }
        let index = u32::try_from(self.edges.len()).expect("a store holds fewer than 2^32 edges");
        self.edges.push(edge);
        index
    }

    pub(super) fn unlink(&mut self, edge: u32) {
        let Edge { source, reader, next_source, prev_source, next_reader, prev_reader, .. } =
            self.edges[edge as usize];
        match prev_source {
            NONE => self.cells[reader as usize].first_source = next_source,
            prev => self.edges[prev as usize].next_source = next_source,
        }
        if next_source != NONE {
            self.edges[next_source as usize].prev_source = prev_source;
        }
        match prev_reader {
            NONE => self.cells[source as usize].first_reader = next_reader,
            prev => self.edges[prev as usize].next_reader = next_reader,
        }
        match next_reader {
            NONE => self.cells[source as usize].last_reader = prev_reader,
            next => self.edges[next as usize].prev_reader = prev_reader,
        }
        let cell = &mut self.cells[reader as usize];
        // A run that stood on this edge stands on the one before it.
        if cell.cursor == edge {
            cell.cursor = prev_source;
        }
        self.upheavals += u64::from(cell.checking);
        self.edges[edge as usize].next_source = self.free_edge.unwrap_or(NONE);
        self.free_edge = Some(edge);
    }

    /// Cuts the edges of `reader` that come after this one; after `NONE` are all of them.
    pub(super) fn cut_sources_after(&mut self, reader: CellId, edge: u32) {
        while let Some(cell) = self.cell(reader) {
            let next = self.source_after(cell, edge);
            if next == NONE {
                return;
            }
            self.unlink(next);
        }
    }
}
