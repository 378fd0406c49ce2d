//! The members of one family in a store. A family that is shared is watched as a whole: members that come later, too.
//! Then it also has a version for each member, and members that were removed remain until all stores have removed them.

use super::{Cell, CellId, Graph, Role, Roles, Special};
use crate::id::{Head, RefId};
use crate::merge::Version;

/// The members of one family.
pub(super) struct Kin {
    pub(super) head: Head,
    pub(super) address: usize,
    /// In no order; the entry of each member has its index here.
    pub(super) members: Vec<CellId>,
    /// While links share the family: the version of each member, by the same index.
    versions: Vec<Version>,
    /// The number of removed members that are still recorded, which may be too large.
    removed: usize,
    /// That number when it was last counted.
    counted: usize,
    watchers: Roles,
    refused: bool,
}

impl Kin {
    fn new(head: Head, address: usize) -> Self {
        Self {
            head,
            address,
            members: Vec::new(),
            versions: Vec::new(),
            removed: 0,
            counted: 0,
            watchers: Roles::NONE,
            refused: false,
        }
    }

    fn is_shared(&self) -> bool {
        self.watchers.contains(Role::Links)
    }

    /// Whether the record of the family can be removed.
    pub(super) fn is_over(&self) -> bool {
        self.members.is_empty() && self.watchers.is_empty() && !self.refused
    }

    /// Removes the member at this index. The last one, which is returned, moves there.
    pub(super) fn leave(&mut self, place: usize) -> Option<CellId> {
        self.members.swap_remove(place);
        if self.is_shared() {
            self.versions.swap_remove(place);
        }
        if self.members.len() < self.members.capacity() / 4 {
            self.members.shrink_to(self.members.len() * 2);
            self.versions.shrink_to(self.members.len() * 2);
        }
        self.members.get(place).copied()
    }
}

impl Graph {
    /// Adds a member to the list of its family, and returns its index there.
    pub(super) fn join_family(&mut self, family: Head, address: usize, member: CellId) -> u32 {
        let kin = self.declared.families.entry(family.rref.id());
        let kin = kin.or_insert_with(|| Kin::new(family, address));
        let place = u32::try_from(kin.members.len()).expect("a store holds fewer than 2^32 cells");
        kin.members.push(member);
        if kin.is_shared() {
            kin.versions.push(Version::NEVER);
        }
        let (watchers, refused) = (kin.watchers, kin.refused);
        if let Some(cell) = self.cell_mut(member)
            && (refused || !watchers.is_empty())
        {
            cell.watchers = watchers;
            cell.writes = cell.writes.with_refusal(refused);
        }
        place
    }

    /// Reports writes to all members to the extension of this role from now on.
    pub(crate) fn watch_family(&mut self, family: Head, address: usize, role: Role) {
        let kin = self.declared.families.entry(family.rref.id());
        let kin = kin.or_insert_with(|| Kin::new(family, address));
        kin.watchers.insert_for_member(role);
        if kin.is_shared() {
            kin.versions.resize(kin.members.len(), Version::NEVER);
        }
        for member in self.members_of(family.rref.id()) {
            if let Some(cell) = self.cell_mut(member) {
                cell.watchers.insert_for_member(role);
            }
        }
    }

    /// Ends what [`watch_family`](Self::watch_family) began. With the last link the versions and the removals are
    /// dropped.
    pub(crate) fn unwatch_family(&mut self, family: RefId, role: Role) {
        let Some(kin) = self.declared.families.get_mut(&family) else { return };
        kin.watchers.remove(role);
        if role == Role::Links {
            (kin.versions, kin.removed, kin.counted) = (Vec::new(), 0, 0);
        }
        if kin.is_over() {
            self.declared.families.remove(&family);
            return;
        }
        for member in self.members_of(family) {
            let Some(cell) = self.cell_mut(member) else { continue };
            cell.watchers.remove(role);
            if role == Role::Links && cell.special == Special::Removed {
                self.release(member);
            }
        }
    }

    pub(super) fn forget_watcher_of_families(&mut self, role: Role) {
        let families: Vec<_> = self.declared.families.keys().copied().collect();
        for family in families {
            self.unwatch_family(family, role);
        }
    }

    /// Sets whether writes to all members by the program are refused.
    pub(crate) fn refuse_writes_to_family(&mut self, family: RefId, refused: bool) {
        let Some(kin) = self.declared.families.get_mut(&family) else { return };
        kin.refused = refused;
        if kin.is_over() {
            self.declared.families.remove(&family);
            return;
        }
        for member in self.members_of(family) {
            self.refuse_writes(member, refused);
        }
    }

    /// The members that were written or restored, in no order.
    pub(crate) fn held_members_of(&self, family: RefId) -> Vec<CellId> {
        let mut members = self.members_of(family);
        members.retain(|id| self.cell(*id).is_some_and(|cell| !cell.is_absent_member()));
        members
    }

    /// All members that have a cell, in no order.
    pub(crate) fn members_of(&self, family: RefId) -> Vec<CellId> {
        self.declared.families.get(&family).map_or_else(Vec::new, |kin| kin.members.clone())
    }

    /// The family of a member.
    pub(crate) fn family_of(&self, member: CellId) -> Option<RefId> {
        Some(self.cell(member)?.body.member()?.family.rref.id())
    }

    /// Whether it is a member of a family that is shared over links.
    pub(crate) fn is_shared_member(&self, id: CellId) -> bool {
        self.cell(id).is_some_and(|cell| cell.watchers.is_shared_member())
    }

    /// As [`is_shared_member`](Self::is_shared_member), of one that the store holds.
    pub(crate) fn holds_shared_member(&self, id: CellId) -> bool {
        let is_held = |cell: &Cell| cell.watchers.is_shared_member() && !cell.is_absent_member();
        self.cell(id).is_some_and(is_held)
    }

    fn place_in_family(&mut self, member: CellId) -> Option<(&mut Kin, usize)> {
        let cell = self.cell(member)?;
        let (id, family) = (cell.body.head()?.rref.id(), cell.body.member()?.family.rref.id());
        let entry = self.declared.entries.find(id, |entry| entry.cell == member)?;
        let place = usize::try_from(entry.place).ok()?;
        Some((self.declared.families.get_mut(&family)?, place))
    }

    /// The version of a member, if links share its family.
    pub(crate) fn member_version(&mut self, member: CellId) -> Option<Version> {
        let (kin, place) = self.place_in_family(member)?;
        kin.versions.get(place).copied()
    }

    pub(crate) fn set_member_version(&mut self, member: CellId, version: Version) {
        if let Some((kin, place)) = self.place_in_family(member)
            && let Some(held) = kin.versions.get_mut(place)
        {
            *held = version;
        }
    }

    /// The program removes a member, which has its initial value by now. If links share the family, its cell remains as
    /// a tombstone. This counts as a change, because other stores may hold the member with an equal value.
    pub(crate) fn end_member(&mut self, member: CellId) {
        let Some(cell) = self.cell(member).filter(|cell| !cell.writes.is_refused()) else { return };
        if !cell.watchers.is_shared_member() {
            return self.release(member);
        }
        if cell.special == Special::Removed {
            return;
        }
        self.count_as_change(member);
        self.set_removed(member);
    }

    /// Whether a write adds this member of a shared family to the store.
    pub(crate) fn begins_entry(&self, id: CellId) -> bool {
        self.cell(id).is_some_and(|cell| {
            cell.watchers.is_shared_member()
                && (cell.is_absent_member() || cell.special == Special::Begun)
                && !cell.writes.is_refused()
        })
    }

    /// The open transaction writes this cell. This counts as a change even if its value is equal.
    pub(crate) fn count_as_change(&mut self, member: CellId) {
        let (next, version) = (self.next_version(), self.cell(member).map(|cell| cell.version));
        self.remember(member);
        if let Some(record) = self.record_of(member) {
            record.edited = true;
            if Some(record.version) == version {
                record.version = next;
            }
        }
    }

    /// Another store has removed a member. A write of the open transaction to it is kept.
    pub(crate) fn remove_installed(&mut self, member: CellId) {
        if self.cell(member).is_some_and(|cell| !cell.is_recorded()) {
            self.set_removed(member);
        }
    }

    fn set_removed(&mut self, member: CellId) {
        let Some(cell) = self.cell_mut(member) else { return };
        cell.special = Special::Removed;
        if let Some((kin, _)) = self.place_in_family(member) {
            kin.removed += 1;
        }
    }

    /// The number of removed members that are still recorded, and the number of other members. The first may be too
    /// large, so that they need not be counted each time.
    pub(crate) fn count_members(&mut self, family: RefId) -> (usize, usize) {
        let Some(kin) = self.declared.families.get(&family) else { return (0, 0) };
        let (removed, all) = (kin.removed, kin.members.len());
        if removed <= 2 * kin.counted.max(SPARE) {
            return (removed, all.saturating_sub(removed));
        }
        let removed = self.removed_members(family).len();
        if let Some(kin) = self.declared.families.get_mut(&family) {
            (kin.removed, kin.counted) = (removed, removed);
        }
        (removed, all.saturating_sub(removed))
    }

    fn removed_members(&self, family: RefId) -> Vec<CellId> {
        let mut members = self.members_of(family);
        members.retain(|member| {
            self.cell(*member).is_some_and(|cell| cell.special == Special::Removed)
        });
        members
    }

    /// Drops the removals up to this clock. Returns how many are left.
    pub(crate) fn sweep_members(&mut self, family: RefId, clock: u64) -> usize {
        let removed = self.removed_members(family);
        let mut left = removed.len();
        for member in removed {
            if self.member_version(member).is_some_and(|version| version.clock <= clock) {
                self.set_member_version(member, Version::NEVER);
                self.release(member);
                left -= 1;
            }
        }
        if let Some(kin) = self.declared.families.get_mut(&family) {
            (kin.removed, kin.counted) = (left, left);
        }
        left
    }
}

/// Below this number removals are not counted again.
const SPARE: usize = 64;
