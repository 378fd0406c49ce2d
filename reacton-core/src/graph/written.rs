//! The report of a commit: which cells it wrote, and for which extensions.

use super::{Cell, CellId};
use crate::id::RefId;

/// What an extension is for. The extensions of a store are called in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Joins the store to others.
    Links,
    /// Keeps values beyond the life of the process.
    Storage,
    /// Records what can be undone.
    History,
    /// Shows what the store does.
    Inspector,
}

impl Role {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles(u8);

/// Set beside `Links` for a member of a family: the family is what is shared.
const MEMBER: u8 = 0x80;

impl Roles {
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    pub(crate) fn insert(&mut self, role: Role) {
        self.0 |= role.bit();
    }

    /// As [`insert`](Self::insert), for a member of a family.
    pub(super) fn insert_for_member(&mut self, role: Role) {
        self.insert(role);
        if role == Role::Links {
            self.0 |= MEMBER;
        }
    }

    pub(crate) fn remove(&mut self, role: Role) {
        self.0 &= !role.bit();
        if role == Role::Links {
            self.0 &= !MEMBER;
        }
    }

    /// Whether the cell is a member of a family that is shared over links.
    #[inline]
    pub(crate) fn is_shared_member(self) -> bool {
        self.0 & MEMBER != 0
    }

    /// Whether it contains a role other than `Links`.
    #[inline]
    pub(crate) fn are_beyond_links(self) -> bool {
        self.0 & !(Role::Links.bit() | MEMBER) != 0
    }
}

/// One watched reacton that a transaction wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Which one.
    pub id: RefId,
    /// Whether the value differs from before; false for a write of an equal value.
    pub changed: bool,
    /// Whether it is reported even if it is equal, because it was touched.
    pub announced: bool,
    /// Whether its value is written entry by entry.
    pub by_entries: bool,
    pub(crate) watchers: Roles,
    pub(crate) cell: CellId,
}

impl Written {
    /// The report of a write of this cell.
    #[inline]
    pub(crate) fn new(id: CellId, cell: &Cell, changed: bool, announced: bool) -> Option<Self> {
        let (watchers, by_entries) = (cell.watchers, cell.writes.is_merged());
        let rref = cell.body.head()?.rref;
        Some(Self { id: rref.id(), changed, announced, by_entries, watchers, cell: id })
    }

    /// Whether links send it as an entry of its family: see [`Wiring::family_of`](crate::wiring::Wiring::family_of).
    #[must_use]
    #[inline]
    pub fn is_of_family(&self) -> bool {
        self.watchers.is_shared_member()
    }

    /// Whether the extension of this role watches the reacton.
    pub(crate) fn is_for(&self, role: Role) -> bool {
        self.watchers.contains(role)
    }
}
