//! Groups: constant lists of reactons that are shared, reset and undone together.

use std::fmt;

use crate::graph::CellId;
use crate::id::{Head, ReactonRef};
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::declare::{Copied, Merged, MergedByCount, Reacton, ZeroCopy};
use crate::reacton::family::Family;
use crate::store::ReactonStore;

/// A constant list of reactons and families: `pub const IMAGES: Group = group![PATH, STATUS];`.
///
/// A list takes it by a spread, `shared![..IMAGES]`, and a store [resets](ReactonStore::reset) its reactons together or records what is
/// written to them ([`history`](ReactonStore::history)).
///
/// `S` is what stands beside each reacton, for the code that shares values.
pub struct Group<S: 'static = ()> {
    members: &'static [GroupMember<S>],
}

/// One reacton or family of a [`Group`].
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct GroupMember<S = ()> {
    rref: ReactonRef,
    reacton: &'static (dyn Grouped + Sync),
    beside: S,
}

impl<S> Clone for Group<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Group<S> {}

impl<S> Group<S> {
    #[doc(hidden)]
    #[must_use]
    pub const fn __of(members: &'static [GroupMember<S>]) -> Self {
        Self { members }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __members(&self) -> &'static [GroupMember<S>] {
        self.members
    }

    /// The number of reactons and families in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The refs of its reactons and families, in the order in which they were listed.
    pub fn refs(&self) -> impl Iterator<Item = ReactonRef> {
        self.members.iter().map(|member| member.rref)
    }

    /// Where its values are in this store.
    ///
    /// # Panics
    /// If another declaration in this store has the id of one of them.
    #[track_caller]
    pub(crate) fn places(&self, store: &ReactonStore) -> Vec<GroupPlace> {
        let mut places = Vec::with_capacity(self.members.len());
        for member in self.members {
            places.extend(member.reacton.place_in(store).map(|InStore(place)| place));
        }
        places
    }
}

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.refs()).finish()
    }
}

impl<S: Copy> GroupMember<S> {
    /// What stands beside it.
    #[must_use]
    pub const fn beside(&self) -> S {
        self.beside
    }

    /// The members of all parts, in order.
    ///
    /// # Panics
    /// If there are not `LEN`, or none.
    #[must_use]
    pub const fn joined<const LEN: usize>(parts: &[GroupPart<'_, S>]) -> [Self; LEN] {
        let (mut part, mut at, mut len) = (0, 0, 0);
        let mut joined = [GroupPart::first(parts); LEN];
        while part < parts.len() {
            let GroupPart(members) = parts[part];
            if at < members.len() {
                joined[len] = members[at];
                (at, len) = (at + 1, len + 1);
            } else {
                (part, at) = (part + 1, 0);
            }
        }
        assert!(len == LEN, "as many members as there are in the parts");
        joined
    }

    /// The refs of these members.
    ///
    /// # Panics
    /// If there are not `LEN`, or none.
    #[must_use]
    pub const fn refs<const LEN: usize>(members: &[Self]) -> [ReactonRef; LEN] {
        assert!(members.len() == LEN && LEN > 0, "a ref of each member");
        let mut refs = [members[0].rref; LEN];
        let mut at = 1;
        while at < LEN {
            refs[at] = members[at].rref;
            at += 1;
        }
        refs
    }
}

/// A part of the list of a group: members, or a group that is spread.
#[doc(hidden)]
#[derive(Debug)]
pub struct GroupPart<'a, S>(&'a [GroupMember<S>]);

impl<'a, S: Copy> GroupPart<'a, S> {
    /// These members.
    #[must_use]
    pub const fn of(members: &'a [GroupMember<S>]) -> Self {
        Self(members)
    }

    const fn first(parts: &[Self]) -> GroupMember<S> {
        let mut part = 0;
        while parts[part].0.is_empty() {
            part += 1;
        }
        parts[part].0[0]
    }
}

impl<S: Copy> GroupPart<'static, S> {
    /// The members of a group.
    #[must_use]
    pub const fn of_group(group: Group<S>) -> Self {
        Self(group.members)
    }
}

impl<S> GroupMember<S> {
    /// The member of a group for `reacton`, whose ref is `rref`.
    #[must_use]
    pub const fn new<R: Grouped + Sync>(reacton: &'static R, rref: ReactonRef, beside: S) -> Self {
        Self { rref, reacton, beside }
    }

    /// The ref of the reacton or the family.
    #[must_use]
    pub const fn reacton_ref(&self) -> ReactonRef {
        self.rref
    }
}

impl<S> fmt::Debug for GroupMember<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rref.fmt(f)
    }
}

/// Where the values of a member of a group are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GroupPlace {
    /// In one cell.
    Cell(CellId),
    /// In the cells of the members of this family, which the static at an address declares.
    Family(Head, usize),
}

impl ReactonStore {
    /// The cells in which the values of a part of a group are now.
    pub(crate) fn cells_at(&self, place: GroupPlace) -> Vec<CellId> {
        match place {
            GroupPlace::Cell(cell) => vec![cell],
            GroupPlace::Family(family, _) => self.graph_ref().held_members_of(family.rref.id()),
        }
    }
}

mod sealed {
    use super::GroupPlace;
    use crate::store::ReactonStore;

    /// Closed to other crates, so that they need not see where values are.
    #[derive(Debug)]
    pub struct InStore(pub(super) GroupPlace);

    pub trait Placed {
        /// Where its values are in this store; `None` after the end of the store.
        #[track_caller]
        fn place_in(&self, store: &ReactonStore) -> Option<InStore>;
    }
}

use sealed::{InStore, Placed};

/// What can be in a group: what `#[reacton]` declares.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in a group: it is no `Reacton`",
    label = "this is no `Reacton`",
    note = "a group lists what `#[reacton]` declares: `group![A, FAMILY, LIST, ..OTHER_GROUP]`",
    note = "a local reacton, which `store.reacton(..)` makes, belongs to one store"
)]
#[doc(hidden)]
pub trait Grouped: Placed {}

/// The modes of reactons that can be written.
#[diagnostic::on_unimplemented(
    message = "a computed cannot be in a group: it follows from other reactons",
    label = "this is a computed",
    note = "list the reactons that it reads: what is computed from them follows"
)]
#[doc(hidden)]
pub trait Written {}

impl Written for Copied {}
impl Written for ZeroCopy {}
impl Written for Merged {}
impl Written for MergedByCount {}

impl<T: 'static, M: Written> Grouped for Reacton<T, M> {}

impl<T: 'static, M> Placed for Reacton<T, M> {
    fn place_in(&self, store: &ReactonStore) -> Option<InStore> {
        self.cell(store).map(|Place(cell)| InStore(GroupPlace::Cell(cell)))
    }
}

impl<K: 'static, T: 'static> Grouped for Family<K, T> {}

impl<K: 'static, T: 'static> Placed for Family<K, T> {
    fn place_in(&self, store: &ReactonStore) -> Option<InStore> {
        store.refuse_duplicate_of_family(self.head(), self.address());
        let place = GroupPlace::Family(*self.head(), self.address());
        (!store.is_ended()).then_some(InStore(place))
    }
}
