//! The declarations that a store has met: found by their ids.

use super::{Cell, CellId, Graph};
use crate::id::{RefId, RefMap};

/// A power of two, so that the lowest bits of an id name a place.
const RECENT: usize = 32;

#[derive(Clone, Copy)]
struct Entry {
    id: RefId,
    /// Of the static that declared it: tells twins apart without a registry.
    address: usize,
    cell: CellId,
}

/// What a look-up of a declaration found.
pub(crate) enum Found {
    Cell(CellId),
    /// Another static has the same id.
    Twin(CellId),
    Missing,
}

#[derive(Default)]
pub(super) struct Declared {
    entries: RefMap<Entry>,
    /// The entry that was asked for last among those with the same lowest bits: it is found without hashing.
    recent: [Option<Entry>; RECENT],
}

#[expect(clippy::cast_possible_truncation, reason = "only the lowest bits count")]
fn place(id: RefId) -> usize {
    id.as_u64() as usize % RECENT
}

impl Graph {
    #[inline]
    pub(crate) fn find(&mut self, id: RefId, address: usize) -> Found {
        match self.declared.recent[place(id)] {
            Some(entry) if entry.id == id && entry.address == address => Found::Cell(entry.cell),
            _ => self.declared.find(id, address),
        }
    }

    pub(crate) fn find_id(&self, id: RefId) -> Option<CellId> {
        self.declared.entries.get(&id).map(|entry| entry.cell)
    }

    pub(crate) fn declare(&mut self, id: RefId, address: usize, cell: CellId) {
        self.declared.entries.insert(id, Entry { id, address, cell });
    }

    pub(super) fn forget_declared(&mut self, id: RefId) {
        self.declared.entries.remove(&id);
        self.declared.recent[place(id)] = None;
    }

    /// The declared sources with the addresses of their statics, in no order.
    pub(crate) fn declared_sources(&self) -> impl Iterator<Item = (CellId, usize, &Cell)> {
        self.declared.entries.values().filter_map(|entry| {
            let cell = self.cell(entry.cell)?;
            cell.body.source()?;
            Some((entry.cell, entry.address, cell))
        })
    }
}

impl Declared {
    fn find(&mut self, id: RefId, address: usize) -> Found {
        match self.entries.get(&id) {
            Some(entry) if entry.address == address => {
                self.recent[place(id)] = Some(*entry);
                Found::Cell(entry.cell)
            }
            Some(entry) => Found::Twin(entry.cell),
            None => Found::Missing,
        }
    }
}
