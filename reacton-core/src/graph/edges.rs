//! Edges: which cell read which other one, and the version that it saw.

use super::{CellId, Ending, Graph, Mark, NONE};

/// The capacity that a store reserves for its first edge.
const FIRST_EDGES: usize = 64;

pub(super) struct Edge {
    pub(super) source: u32,
    pub(super) reader: u32,
    pub(super) next_source: u32,
    prev_source: u32,
    pub(super) next_reader: u32,
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
    /// Called when the run of `source` is over: cells that read it during the run got a panic, and now depend on the
    /// result. Their edges are made only now, so that the result does not mark them.
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
            self.link(source.index(), reader.index(), last, NONE, version);
        }
    }

    /// Makes `reader` an observer of `source` alone, with the current value as seen.
    pub(crate) fn observe(&mut self, reader: CellId, source: CellId) {
        if let (Some(_), Some(cell)) = (self.cell(reader), self.cell(source)) {
            self.link(source.index(), reader.index(), NONE, NONE, cell.version);
        }
    }

    /// The source of a subscription. Its current version counts as seen from now on.
    pub(crate) fn see_only_source(&mut self, reader: CellId) -> Option<CellId> {
        let cell = self.cell_mut(reader)?;
        cell.mark = Mark::Clean;
        let edge = cell.first_source;
        let source = self.edges.get(edge as usize)?.source;
        self.edges[edge as usize].seen = self.cells[source as usize].version;
        Some(self.id_at(source))
    }

    /// The sources of `reader` whose version differs from the one that it saw.
    pub(crate) fn changed_sources(&self, reader: CellId) -> Vec<CellId> {
        self.sources(reader)
            .filter(|edge| self.cells[edge.source as usize].version != edge.seen)
            .map(|edge| self.id_at(edge.source))
            .collect()
    }

    /// The sources of `reader` that may not be up to date.
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

    pub(super) fn link(
        &mut self,
        source: u32,
        reader: u32,
        after: u32,
        before: u32,
        seen: u64,
    ) -> u32 {
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
        if self.edges.capacity() == 0 {
            self.edges.reserve(FIRST_EDGES);
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
            NONE => {
                let cell = &mut self.cells[source as usize];
                cell.last_reader = prev_reader;
                if prev_reader == NONE && cell.ends_unread() {
                    self.ending.push(Ending::Unread(self.id_at(source)));
                }
            }
            next => self.edges[next as usize].prev_reader = prev_reader,
        }
        let cell = &self.cells[reader as usize];
        self.topology_epoch += u64::from(cell.checking);
        if cell.running {
            self.pull(reader, edge, prev_source, next_source);
        }
        self.edges[edge as usize].next_source = self.free_edge.unwrap_or(NONE);
        self.free_edge = Some(edge);
    }

    /// Removes an edge and all later ones of its reader; does nothing if `edge` is `NONE`.
    pub(super) fn cut(&mut self, mut edge: u32) {
        while edge != NONE {
            let next = self.edges[edge as usize].next_source;
            self.unlink(edge);
            edge = next;
        }
    }

    /// Records that `reader` read the computed `id` while that was running.
    pub(crate) fn meet_cycle(&mut self, reader: CellId, id: CellId) {
        if reader != id {
            self.cycles.push((reader, id));
        }
    }
}
