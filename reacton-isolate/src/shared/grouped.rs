//! Groups in shared lists: how the values of each of their reactons cross, if they can.

use std::any::Any;
use std::fmt;

use reacton_core::lists::Message;
use reacton_core::{GroupMember, Grouped, ReactonRef};

use super::crossing::Crossing;
use super::listed::TypedEntry;
use super::{Direction, SharedSlot};

/// A constant list of reactons and families, which lists of a worker, a store and a history take as one:
/// `pub const IMAGES: Group = group![PATH, STATUS];`.
pub type Group = reacton_core::Group<Sharing>;

/// How the values of a reacton of a group cross between threads.
#[derive(Clone, Copy)]
pub struct Sharing {
    rref: ReactonRef,
    reacton: &'static (dyn Any + Send + Sync),
    id: Option<&'static str>,
    crossings: Crossings,
}

/// Each way in which values cross, if they can cross in that way.
#[derive(Clone, Copy)]
pub(super) struct Crossings {
    /// In the mode of the reacton.
    pub(super) own: Option<&'static dyn Crossing>,
    /// By reference count.
    pub(super) by_reference: Option<&'static dyn Crossing>,
    /// As bytes.
    pub(super) in_bytes: Option<&'static dyn Crossing>,
}

impl Sharing {
    /// The member of a group for this entry, whose type has been probed by `probe`.
    #[doc(hidden)]
    #[must_use]
    pub const fn member<R: Grouped + Sync, F, P>(
        entry: TypedEntry<R>,
        _probe: &F,
    ) -> GroupMember<Self>
    where
        F: Fn() -> P,
        P: super::probes::Probed,
    {
        let TypedEntry { rref, typed, reacton, id } = entry;
        let crossings = P::CROSSINGS.0;
        GroupMember::new(typed, rref, Self { rref, reacton, id, crossings })
    }

    const fn slot(self, crossing: &'static dyn Crossing, direction: Direction) -> SharedSlot {
        SharedSlot { rref: self.rref, direction, reacton: self.reacton, id: self.id, crossing }
    }

    /// Fails the evaluation of a constant.
    #[track_caller]
    const fn refuse(self, why: &str) -> ! {
        let message = Message::of("`").and(self.rref.name()).and("`, which is in this group, ");
        let message = message.and("cannot be ").and(why);
        panic!("{}", message.text())
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rref.fmt(f)
    }
}

/// One element of a group.
#[doc(hidden)]
pub type GroupSlot = GroupMember<Sharing>;

/// A part of the list of a group.
#[doc(hidden)]
pub type GroupPart<'a> = reacton_core::GroupPart<'a, Sharing>;

/// A part of a shared list: slots, or a group that is spread.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct SharedPart<'a> {
    slots: &'a [SharedSlot],
    members: &'a [GroupMember<Sharing>],
    direction: Direction,
    way: Crossway,
}

/// In which way values cross.
#[derive(Clone, Copy, Debug)]
enum Crossway {
    Own,
    ByReference,
    InBytes,
}

impl<'a> SharedPart<'a> {
    /// These slots.
    #[must_use]
    pub const fn of(slots: &'a [SharedSlot]) -> Self {
        Self { slots, members: &[], direction: Direction::Both, way: Crossway::Own }
    }

    /// The reactons of a group, each in its own mode.
    ///
    /// # Panics
    /// While the program is compiled, if one of them cannot be shared.
    #[must_use]
    #[track_caller]
    pub const fn listed(group: Group) -> Self {
        Self::spread(group, Crossway::Own)
    }

    /// The reactons of a group, by reference count.
    ///
    /// # Panics
    /// As [`listed`](Self::listed).
    #[must_use]
    #[track_caller]
    pub const fn listed_by_reference(group: Group) -> Self {
        Self::spread(group, Crossway::ByReference)
    }

    /// The reactons of a group, as bytes: to be saved.
    ///
    /// # Panics
    /// As [`listed`](Self::listed).
    #[must_use]
    #[track_caller]
    pub const fn stored(group: Group) -> Self {
        Self::spread(group, Crossway::InBytes)
    }

    #[track_caller]
    const fn spread(group: Group, way: Crossway) -> Self {
        let members = group.__members();
        let mut at = 0;
        while at < members.len() {
            let sharing = members[at].beside();
            if crossing(sharing, way).is_none() {
                sharing.refuse(match way {
                    Crossway::Own => {
                        "shared with a worker: its values are not `Serialize + DeserializeOwned + Send`: derive what is missing, \
                         declare it `zero_copy`, or list the others by name"
                    }
                    Crossway::ByReference => {
                        "shared with a worker: its values are not `Clone + Send + Sync`: list the others by name"
                    }
                    Crossway::InBytes => {
                        "saved: its values are not `Serialize + DeserializeOwned + Send`: list the others by name"
                    }
                });
            }
            at += 1;
        }
        Self { slots: &[], members, direction: Direction::Both, way }
    }

    /// Only the store that spawns writes them.
    #[must_use]
    pub const fn inward(self) -> Self {
        Self { direction: Direction::In, ..self }
    }

    /// Only the worker writes them.
    #[must_use]
    pub const fn outward(self) -> Self {
        Self { direction: Direction::Out, ..self }
    }

    const fn first(parts: &[Self]) -> SharedSlot {
        let mut part = 0;
        while parts[part].len() == 0 {
            part += 1;
        }
        parts[part].get(0)
    }

    const fn len(&self) -> usize {
        self.slots.len() + self.members.len()
    }

    const fn get(&self, at: usize) -> SharedSlot {
        if at < self.slots.len() {
            return self.slots[at];
        }
        let sharing = self.members[at - self.slots.len()].beside();
        match crossing(sharing, self.way) {
            Some(crossing) => sharing.slot(crossing, self.direction),
            None => unreachable!(),
        }
    }
}

const fn crossing(sharing: Sharing, way: Crossway) -> Option<&'static dyn Crossing> {
    match way {
        Crossway::Own => sharing.crossings.own,
        Crossway::ByReference => sharing.crossings.by_reference,
        Crossway::InBytes => sharing.crossings.in_bytes,
    }
}

impl SharedSlot {
    /// The slots of all parts, in order.
    ///
    /// # Panics
    /// If there are not `LEN`, or none.
    #[doc(hidden)]
    #[must_use]
    pub const fn joined<const LEN: usize>(parts: &[SharedPart<'_>]) -> [Self; LEN] {
        let (mut part, mut at, mut len) = (0, 0, 0);
        let mut joined = [SharedPart::first(parts); LEN];
        while part < parts.len() {
            if at < parts[part].len() {
                joined[len] = parts[part].get(at);
                (at, len) = (at + 1, len + 1);
            } else {
                (part, at) = (part + 1, 0);
            }
        }
        assert!(len == LEN, "as many slots as there are in the parts");
        joined
    }
}
