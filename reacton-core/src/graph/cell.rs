//! A cell: the entry of a reacton or an observer in one store.

use super::{Body, CellId, NONE, Roles, Writes};
use crate::value::Value;

/// A reacton's or an observer's place in one store.
pub(crate) struct Cell {
    pub(crate) value: Option<Value>,
    pub(crate) body: Body,
    /// The cell version: grows with each change of the value in this store, and is not the version that a link carries. Of an
    /// observer: when it was made, which orders a round.
    pub(crate) version: u64,
    pub(super) first_source: u32,
    pub(super) first_reader: u32,
    pub(super) last_reader: u32,
    pub(super) generation: u32,
    /// The run that read this cell last, so that repeated reads are recognised.
    pub(super) stamp: u32,
    /// Its record in the open transaction.
    pub(crate) record: u32,
    pub(crate) kind: CellKind,
    pub(crate) mark: Mark,
    pub(crate) running: bool,
    /// A walk stands on this cell; meeting it again means that it leads to itself.
    pub(super) checking: bool,
    /// The extensions to which its writes are reported.
    pub(crate) watchers: Roles,
    /// Its values are kept in a form that may be handed to another thread.
    pub(crate) arc_backed: bool,
    /// Of a source: how the program writes it.
    pub(crate) writes: Writes,
    // One byte for what cells of different kinds need, so that a cell takes 88 bytes.
    pub(crate) special: Special,
}

/// What a cell is, also while its body is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CellKind {
    Vacant,
    Source,
    Derived,
    Effect,
    Listener,
}

impl CellKind {
    pub(super) fn is_observer(self) -> bool {
        matches!(self, Self::Effect | Self::Listener)
    }
}

/// How much is known about whether a cell is up to date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    Clean,
    /// Something that it reads, directly or not, was written to. An observer with this mark is queued.
    Check,
    /// Has to run, whatever its sources say.
    Stale,
}

/// What is special about a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Special {
    Nothing,
    /// A computed or an effect that has made something in its last run.
    Owner,
    /// One that has made something in an earlier run.
    FormerOwner,
    /// A member of a family that was never written: it is removed with its last reader.
    Unwritten,
    /// A member whose first write has begun and may come to nothing.
    Begun,
    /// A member of a computed family: it is removed with its last reader.
    Member,
    /// One that is an [`Owner`](Self::Owner).
    OwningMember,
    /// One that is a [`FormerOwner`](Self::FormerOwner).
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
    /// What `record` is where there is none.
    pub(crate) const UNRECORDED: u32 = u32::MAX;

    /// Whether the open transaction has written to it.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.record != Self::UNRECORDED
    }
}

impl Cell {
    /// A vacant place has a generation that no handle was given yet.
    #[inline]
    pub(super) fn is(&self, id: CellId) -> bool {
        self.generation == id.generation()
    }

    #[inline]
    pub(crate) fn is_owner(&self) -> bool {
        matches!(self.special, Special::Owner | Special::OwningMember)
    }

    /// Whether it has made something in one of its runs.
    #[inline]
    pub(crate) fn has_owned(&self) -> bool {
        self.is_owner()
            || matches!(self.special, Special::FormerOwner | Special::FormerlyOwningMember)
    }

    /// Notes whether it owns what it has made in its last run.
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

    /// From now on a member of a computed family stays without a reader, or does not any more.
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

    /// Notes that a source is written.
    #[inline]
    pub(crate) fn keep_written(&mut self) {
        self.special = Special::Nothing;
    }

    /// Notes that a source is about to be written, so that it is kept meanwhile. Returns whether it is the first write of a
    /// member, which may come to nothing.
    #[inline]
    pub(crate) fn begin_write(&mut self) -> bool {
        let first = matches!(self.special, Special::Unwritten | Special::Begun);
        if first {
            self.special = Special::Begun;
        }
        first
    }
}
