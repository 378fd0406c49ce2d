//! A cell: the entry of a reacton or an observer in one store.

use super::{Body, CellId, NONE, Roles, Writes};
use crate::value::Value;

pub(crate) struct Cell {
    pub(crate) value: Option<Value>,
    pub(crate) body: Body,
    /// The version of its value: grows with each change in this store, and is not the version that a link carries. Of
    /// an observer: its number, which orders a round.
    pub(crate) version: u64,
    pub(super) first_source: u32,
    pub(super) first_reader: u32,
    pub(super) last_reader: u32,
    pub(super) generation: u32,
    /// The run that read this cell last, which detects repeated reads.
    pub(super) stamp: u32,
    /// The index of its record in the open transaction.
    pub(crate) record: u32,
    pub(crate) kind: CellKind,
    pub(crate) mark: Mark,
    pub(crate) running: bool,
    /// A walk has a frame for this cell; meeting it again means that the cell depends on itself.
    pub(super) checking: bool,
    /// The extensions to which writes of it are reported.
    pub(crate) watchers: Roles,
    /// Its values are kept in an `Arc`, so that another thread can share them.
    pub(crate) arc_backed: bool,
    /// Of a source: how the program writes it.
    pub(crate) writes: Writes,
    // One byte for the needs of all kinds, so that a cell takes 88 bytes.
    pub(crate) special: Special,
}

/// The kind of a cell, also known while its body is taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CellKind {
    Vacant,
    Source,
    Derived,
    Effect,
    Listener,
    Scope,
}

impl CellKind {
    pub(super) fn is_observer(self) -> bool {
        matches!(self, Self::Effect | Self::Listener)
    }
}

/// Whether a cell is up to date, as far as that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    Clean,
    /// Something that it reads, directly or not, was written to. An observer with this mark is queued.
    Check,
    /// It has to run, whether or not its sources have changed.
    Stale,
}

/// What distinguishes a cell from others of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Special {
    Nothing,
    /// A computed or an effect that created something in its last run.
    Owner,
    /// A computed or an effect that created something in an earlier run.
    FormerOwner,
    /// A member of a family that was never written: it is removed with its last reader.
    Unwritten,
    /// A member whose first write has begun and may not happen after all.
    Begun,
    /// A member of a shared family that was removed. It has its initial value, and remains until all stores have removed it.
    Removed,
    /// A member of a computed family: it is removed with its last reader.
    Member,
    /// A member that is an [`Owner`](Self::Owner).
    OwningMember,
    /// A member that is a [`FormerOwner`](Self::FormerOwner).
    FormerlyOwningMember,
}

pub(super) const VACANT: Cell = Cell {
    value: None,
    body: Body::Vacant,
    version: 0,
    first_source: NONE,
    first_reader: NONE,
    last_reader: NONE,
    generation: 0,
    stamp: 0,
    record: Cell::UNRECORDED,
    kind: CellKind::Vacant,
    mark: Mark::Clean,
    running: false,
    checking: false,
    watchers: Roles::NONE,
    arc_backed: false,
    writes: Writes::Compared,
    special: Special::Nothing,
};

impl Cell {
    /// The value of `record` for a cell without a record.
    pub(crate) const UNRECORDED: u32 = u32::MAX;

    /// Whether the open transaction has written to it.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.record != Self::UNRECORDED
    }
}

impl Cell {
    /// False for a vacant place: its generation was not used in any id yet.
    #[inline]
    pub(super) fn is(&self, id: CellId) -> bool {
        self.generation == id.generation()
    }

    #[inline]
    pub(crate) fn is_owner(&self) -> bool {
        matches!(self.special, Special::Owner | Special::OwningMember)
    }

    /// Whether it created something in one of its runs.
    #[inline]
    pub(crate) fn has_owned(&self) -> bool {
        self.is_owner()
            || matches!(self.special, Special::FormerOwner | Special::FormerlyOwningMember)
    }

    /// Sets whether it owns something from its last run.
    pub(crate) fn set_owner(&mut self, owns: bool) {
        self.special = match (self.ends_unread(), owns) {
            (false, true) => Special::Owner,
            (false, false) => Special::FormerOwner,
            (true, true) => Special::OwningMember,
            (true, false) => Special::FormerlyOwningMember,
        };
    }

    /// Whether it is removed with its last reader.
    #[inline]
    pub(crate) fn ends_unread(&self) -> bool {
        matches!(
            self.special,
            Special::Unwritten
                | Special::Member
                | Special::OwningMember
                | Special::FormerlyOwningMember
        )
    }

    /// Sets whether a member of a computed family stays without a reader.
    pub(super) fn hold_member(&mut self, held: bool) {
        self.special = match (self.special, held) {
            (Special::Member, true) => Special::Nothing,
            (Special::OwningMember, true) => Special::Owner,
            (Special::FormerlyOwningMember, true) => Special::FormerOwner,
            (Special::Nothing, false) => Special::Member,
            (Special::Owner, false) => Special::OwningMember,
            (Special::FormerOwner, false) => Special::FormerlyOwningMember,
            (other, _) => other,
        };
    }

    #[inline]
    pub(crate) fn is_unwritten(&self) -> bool {
        self.special == Special::Unwritten
    }

    /// Whether it is a member that the store does not hold: it was never written, or removed.
    #[inline]
    pub(crate) fn is_absent_member(&self) -> bool {
        matches!(self.special, Special::Unwritten | Special::Removed)
    }

    /// Called when a source is written.
    #[inline]
    pub(crate) fn keep_written(&mut self) {
        self.special = Special::Nothing;
    }

    /// Called before a source is written, so that it is not removed meanwhile. Returns whether this is the first write
    /// of a member, which may not happen after all.
    #[inline]
    pub(crate) fn begin_write(&mut self) -> bool {
        let first = matches!(self.special, Special::Unwritten | Special::Begun);
        if first {
            self.special = Special::Begun;
        }
        first
    }
}
