//! The members of a family in a store: listing them, and finding one by its key.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use super::{Family, Member};
use crate::graph::{CellId, LastToken, SourceRef};
use crate::id::Head;
use crate::id::RefId;
use crate::reacton::access::sealed::{Located, Place};
use crate::store::ReactonStore;
use crate::value::Held;

/// One member of a family, held outside of its store: its value stays what it was.
pub struct HeldMember<K: 'static, T: 'static> {
    source: SourceRef,
    value: Held<T>,
    of: PhantomData<fn() -> K>,
}

impl<K, T> HeldMember<K, T> {
    /// The key.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the type was checked when this was made")]
    pub fn key(&self) -> &K {
        let key = self.source.member().and_then(|member| member.key.downcast_ref());
        key.expect("the type was checked when this was made")
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<K, T> fmt::Debug for HeldMember<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldMember")
    }
}

impl ReactonStore {
    #[track_caller]
    pub(crate) fn held_members<K: Clone + 'static, T: 'static>(
        &self,
        family: &'static Family<K, T>,
    ) -> Vec<HeldMember<K, T>> {
        self.refuse_duplicate_of_family(&family.head, family.address());
        let id = family.head.rref.id();
        let lent = {
            let graph = self.graph_ref();
            graph.written_members(id).any(|(cell, _)| cell.value.is_none())
        };
        if lent {
            self.refuse_if_lent();
        }
        let graph = self.graph_ref();
        let members = graph.written_members(id).filter_map(|(cell, source)| {
            source.member()?.key.downcast_ref::<K>()?;
            let value = Held::new(cell.value.clone()?)?;
            Some(HeldMember { source: source.clone(), value, of: PhantomData })
        });
        members.collect()
    }

    /// Whether this store holds `member`: it was written or restored here, and not [removed](Self::remove). Does not
    /// make the member.
    ///
    /// # Panics
    /// If another declaration has the id of the family.
    #[track_caller]
    pub fn has<K: Clone + 'static, T: 'static>(&self, member: &Member<K, T>) -> bool {
        let Some(Place(cell)) = member.found(self) else { return false };
        self.graph_ref().cell(cell).is_some_and(|cell| !cell.is_absent_member())
    }

    /// The value of `member`, cloned, if this store [has](Self::has) it. Does not run the initialiser.
    ///
    /// # Panics
    /// As [`has`](Self::has) does.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Family, Keys, ReactonStore};
    /// # static JOB: Family<u32, String> = Family::<u32, String>::__new("doc::JOB", |_| String::new(), Keys::new(|key| u64::from(*key), u32::eq));
    /// // #[reacton] static JOB: Family<u32, String> = |_| String::new();
    /// let store = ReactonStore::new();
    /// store.set(&JOB.of(1), "print".into());
    /// assert_eq!(store.find(&JOB.of(1)), Some("print".into()));
    /// assert_eq!(store.find(&JOB.of(2)), None);
    /// assert!(store.has(&JOB.of(1)) && !store.has(&JOB.of(2)));
    /// ```
    #[track_caller]
    pub fn find<K: Clone + 'static, T: Clone + 'static>(&self, member: &Member<K, T>) -> Option<T> {
        self.has(member).then(|| self.get(member))
    }

    /// Panics if another declaration has the id of the family that is declared at `address`.
    #[track_caller]
    pub(crate) fn refuse_duplicate_of_family(&self, head: &Head, address: usize) {
        let duplicate = { self.graph_ref().duplicate_of_family(head.rref.id(), address) };
        if let Some(first) = duplicate {
            self.refuse_duplicate(&first, head);
        }
    }

    /// The cell of the member with this id and this `key`, in the family at `address`. The key is not compared if its
    /// `token` is that of the cell; after a comparison, the token is stored. Comparing a scalar key runs no user code.
    pub(crate) fn find_member(
        &self,
        id: RefId,
        address: usize,
        key: &dyn Any,
        is_scalar: bool,
        token: &LastToken,
    ) -> Option<CellId> {
        let mut graph = self.graph();
        let (cell, its_token) = graph.candidate(id, address)?;
        if its_token == token.get() {
            return Some(cell);
        }
        let is_key = if is_scalar {
            let is_key = graph.is_key_of(cell, key);
            drop(graph);
            is_key
        } else {
            let holder = graph.key_holder(cell)?;
            // Comparing keys is user code, so the borrow of the graph ends first.
            drop(graph);
            holder.is_key(key)
        };
        if is_key {
            token.set(its_token);
            return Some(cell);
        }
        self.find_among(id, address, key, token)
    }

    #[cold]
    fn find_among(
        &self,
        id: RefId,
        address: usize,
        key: &dyn Any,
        token: &LastToken,
    ) -> Option<CellId> {
        let entry_at = |at| self.graph_ref().candidate_at(id, at);
        let stands_at = |cell, at| entry_at(at).is_some_and(|entry| entry.cell == cell);
        let mut at = 0;
        while let Some(entry) = entry_at(at) {
            let holder = if entry.address == address {
                self.graph_ref().key_holder(entry.cell)
            } else {
                None
            };
            if holder.is_some_and(|holder| holder.is_key(key)) {
                token.set(entry.token);
                return Some(entry.cell);
            }
            // The comparison may have removed some entries, and the later ones have moved up.
            while at > 0 && !stands_at(entry.cell, at) {
                at -= 1;
            }
            at += usize::from(stands_at(entry.cell, at));
        }
        None
    }
}
