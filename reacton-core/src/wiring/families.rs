//! Access to shared families for the layer that connects stores: each member is an entry with a version of its own.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Wiring;
use crate::graph::{CellId, Role, SourceRef, Written};
use crate::id::RefId;
use crate::merge::Version;
use crate::ops::install::Preparation;
use crate::panics::FirstPanic;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::family::{Family, Member};
use crate::store::incoming::Prepared;
use crate::value::{Held, Incoming};

/// A member of a shared family in one store.
pub struct SharedMember<K: 'static, T: 'static> {
    cell: CellId,
    source: SourceRef,
    version: Version,
    is_removed: bool,
    /// `None` if the open transaction has edited it in place.
    committed: Option<Held<T>>,
    of: PhantomData<fn() -> K>,
}

impl<K: 'static, T: 'static> SharedMember<K, T> {
    /// The key.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the type was checked when this was made")]
    pub fn key(&self) -> &K {
        let key = self.source.member().and_then(|member| member.key.downcast_ref());
        key.expect("the type was checked when this was made")
    }

    /// The version of its value.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the member was removed: then it has its initial value.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.is_removed
    }

    /// The committed value; `None` if the open transaction has edited it in place.
    #[must_use]
    pub fn committed(&self) -> Option<&Held<T>> {
        self.committed.as_ref()
    }
}

impl<K, T> fmt::Debug for SharedMember<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedMember")
    }
}

/// A value of another store for one member.
pub struct PreparedMember<T: 'static> {
    cell: CellId,
    preparation: Box<Preparation<T>>,
    is_removal: bool,
}

impl<T: 'static> PreparedMember<T> {
    /// The version that the member has in this store.
    #[must_use]
    pub fn version(&self, wiring: Wiring<'_>) -> Version {
        wiring.store.graph().member_version(self.cell).unwrap_or(Version::NEVER)
    }

    /// Installs the value, without user code.
    pub fn install(&mut self, wiring: Wiring<'_>, version: Version) {
        self.preparation.install(wiring.store);
        let mut graph = wiring.store.graph();
        graph.set_member_version(self.cell, version);
        if self.is_removal {
            graph.remove_installed(self.cell);
        }
    }

    /// Returns the value to release: the replaced one, or this one if it was not installed.
    #[must_use]
    pub fn displaced(self) -> Box<dyn Prepared> {
        self.preparation
    }
}

impl<T> fmt::Debug for PreparedMember<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreparedMember")
    }
}

impl Wiring<'_> {
    /// From now on writes to each member of this family are reported to the extension of this role. To the role `Links`
    /// they are reported as [of a family](Written::is_of_family).
    ///
    /// # Panics
    /// If another declaration in this store has the same id.
    #[track_caller]
    pub fn watch_family<K: 'static, T: 'static>(self, family: &'static Family<K, T>, role: Role) {
        self.store.refuse_duplicate_of_family(family.head(), family.address());
        self.store.graph().watch_family(*family.head(), family.address(), role);
    }

    /// The id of the family, if a member was written.
    #[must_use]
    pub fn family_of(self, written: &Written) -> Option<RefId> {
        self.store.graph_ref().family_of(written.cell)
    }

    /// The member that was written; `None` if it is of another family.
    #[must_use]
    pub fn written_member<K: 'static, T: 'static>(
        self,
        family: &'static Family<K, T>,
        written: &Written,
    ) -> Option<SharedMember<K, T>> {
        let is_of_it = self.family_of(written) == Some(family.reacton_ref().id());
        is_of_it.then(|| self.shared_member(written.cell)).flatten()
    }

    /// The member of this key; makes none.
    #[track_caller]
    #[must_use]
    pub fn find_member<K: Clone + 'static, T: 'static>(
        self,
        family: &'static Family<K, T>,
        key: K,
    ) -> Option<SharedMember<K, T>> {
        let Place(cell) = family.of(key).found(self.store)?;
        self.shared_member(cell)
    }

    /// The members that this store holds, and the removed ones that are remembered, in no order.
    #[must_use]
    pub fn shared_members<K: 'static, T: 'static>(
        self,
        family: &'static Family<K, T>,
    ) -> Vec<SharedMember<K, T>> {
        let members = self.store.graph_ref().members_of(family.reacton_ref().id());
        members.into_iter().filter_map(|member| self.shared_member(member)).collect()
    }

    /// `None` if the member was not written, and is only observed.
    fn shared_member<K: 'static, T: 'static>(self, id: CellId) -> Option<SharedMember<K, T>> {
        let mut graph = self.store.graph();
        let cell = graph.cell(id).filter(|cell| !cell.is_unwritten())?;
        let (is_removed, source) = (cell.is_absent_member(), cell.body.source()?.clone());
        source.member()?.key.downcast_ref::<K>()?;
        let committed = graph.committed(id).and_then(Held::new);
        let version = graph.member_version(id).unwrap_or(Version::NEVER);
        Some(SharedMember { cell: id, source, version, is_removed, committed, of: PhantomData })
    }

    /// Sets the version of the member.
    pub fn set_version<K, T>(self, member: &SharedMember<K, T>, version: Version) {
        self.store.graph().set_member_version(member.cell, version);
    }

    /// As [`shared_value`](Self::shared_value), of a member.
    pub fn shared_value_of<K, T: Clone + 'static>(
        self,
        member: &SharedMember<K, T>,
        held: &Held<T>,
    ) -> Arc<T> {
        if let Some(arc) = held.arc() {
            return Arc::clone(arc);
        }
        let arc = Arc::new(T::clone(held));
        let displaced =
            self.store.graph().make_arc_backed(member.cell, held.value(), Arc::clone(&arc));
        drop(displaced);
        arc
    }

    /// Whether two values are equal for the family; `None` if every write is a change.
    #[must_use]
    pub fn same_in_family<K, T: 'static>(family: &Family<K, T>, a: &T, b: &T) -> Option<bool> {
        family.compare(a, b)
    }

    /// Prepares a value of another store for the member of this key, which is made if there is none. Without a value
    /// the member will be removed. This runs user code, which makes the initial value and compares keys and values.
    /// `None` if the store is disposed.
    #[track_caller]
    pub fn prepare_member<K: Clone + 'static, T: 'static>(
        self,
        family: &'static Family<K, T>,
        key: K,
        value: Option<Incoming<T>>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Option<PreparedMember<T>> {
        let member = family.of(key);
        let prepared = self.preparation(&member, value);
        // The drop of a key must not take the value with it.
        panics.guard(|| drop(member));
        let (mut preparation, cell, is_removal) = prepared?;
        preparation.compare(self.store, announced, panics);
        Some(PreparedMember { cell, preparation, is_removal })
    }

    #[track_caller]
    fn preparation<K: Clone + 'static, T: 'static>(
        self,
        member: &Member<K, T>,
        value: Option<Incoming<T>>,
    ) -> Option<(Box<Preparation<T>>, CellId, bool)> {
        let Place(cell) = member.cell(self.store)?;
        let is_removal = value.is_none();
        let value = value.unwrap_or_else(|| Incoming::Owned(member.absent(self.store)));
        let id = member.reacton_ref().id();
        Some((Box::new(Preparation::new(cell, id, value)), cell, is_removal))
    }

    /// Makes a member of a new store, in which nothing has been read yet.
    #[track_caller]
    pub fn fill_member<K: Clone + 'static, T: 'static>(
        self,
        family: &'static Family<K, T>,
        key: K,
        value: Option<Incoming<T>>,
        version: Version,
        panics: &mut FirstPanic,
    ) {
        let Some((preparation, cell, is_removal)) = self.preparation(&family.of(key), value) else {
            return;
        };
        let mut member = PreparedMember { cell, preparation, is_removal };
        member.install(self, version);
        self.store.graph().changed_for_good(cell);
        member.displaced().release(self.store, panics);
    }

    /// The number of removed members that are still recorded, and the number of other members. The first may be too
    /// large.
    #[must_use]
    pub fn count_members(self, family: RefId) -> (usize, usize) {
        self.store.graph().count_members(family)
    }

    /// Drops the removals up to this clock. Returns how many are left.
    pub fn sweep_members(self, family: RefId, clock: u64) -> usize {
        self.store.graph().sweep_members(family, clock)
    }
}
