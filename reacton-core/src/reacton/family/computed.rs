//! Computed families: one computation for many computeds, distinguished by a key.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use super::Keys;
use crate::graph::{Body, LastToken, MemberOf, Token};
use crate::id::Head;
use crate::id::{ReactonRef, RefId};
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::access::{Declared, Readable, Remote};
use crate::store::ReactonStore;
use crate::store::code::Derive;
use crate::store::reader::Reader;
use crate::value::Scalar;
use crate::value::{Comparable, Same};

/// Many computeds of one type, one for each key: `#[computed] static VALUE: Family<At, Value> = |cx, at| ..;`.
///
/// A family itself cannot be read. Each member is a computed: it runs when it is read after a change of something that
/// it read. If its new value equals the old one, nothing that depends on it runs. A member may read other members.
///
/// A store caches a member while something observes it: a subscription, a stream, an effect, or another computed that
/// is itself observed. If nothing observes a member, each [`ReactonStore::get`] computes it, and the members that it
/// reads, and stores nothing. In one [`batch`](ReactonStore::batch), several such reads share the computed values.
///
/// # Examples
/// ```
/// # use reacton_core::{ComputedFamily, Keys, ReactonStore};
/// # static SQUARE: ComputedFamily<u64, u64> = ComputedFamily::<u64, u64>::__new("doc::SQUARE", |_, n| n * n, Keys::new(|key| *key, u64::eq));
/// // #[computed] static SQUARE: Family<u64, u64> = |_, n| n * n;
/// let store = ReactonStore::new();
/// assert_eq!((store.get(&SQUARE.of(3)), store.get(&SQUARE.of(4))), (9, 16));
/// ```
pub struct ComputedFamily<K: 'static, T: 'static> {
    head: Head,
    compute: fn(&Reader<'_>, &K) -> T,
    keys: Keys<K>,
    same: Same<T>,
}

impl<K, T> ComputedFamily<K, T> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, compute: fn(&Reader<'_>, &K) -> T, keys: Keys<K>) -> Self
    where
        T: Comparable,
    {
        Self::__with_eq(path, compute, keys, Some(<T as Comparable>::same))
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(
        path: &'static str,
        compute: fn(&Reader<'_>, &K) -> T,
        keys: Keys<K>,
        same: Same<T>,
    ) -> Self {
        let rref = ReactonRef::new(RefId::of(path), path);
        Self { head: Head { rref, at: Location::caller() }, compute, keys, same }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __id(mut self, id: &'static str) -> Self {
        self.head.rref = ReactonRef::new(RefId::of(id), self.head.rref.name());
        self
    }

    /// The member of this key: a computed with a ref of its own, the same in every thread, process and build.
    ///
    /// # Panics
    /// If the key does not serialize.
    pub fn of(&'static self, key: K) -> ComputedMember<K, T> {
        let id = self.head.rref.id().member((self.keys.hash)(&key));
        ComputedMember { family: self, key, id, token: LastToken::none() }
    }

    /// The ref of the family itself.
    pub const fn reacton_ref(&self) -> ReactonRef {
        self.head.rref
    }

    /// The path of the declaration.
    pub const fn name(&self) -> &'static str {
        self.head.rref.name()
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<K, T> fmt::Debug for ComputedFamily<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ComputedFamily({})", self.name())
    }
}

/// One computed of a [`ComputedFamily`].
pub struct ComputedMember<K: 'static, T: 'static> {
    family: &'static ComputedFamily<K, T>,
    key: K,
    id: RefId,
    token: LastToken,
}

impl<K, T> ComputedMember<K, T> {
    /// Its key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Its ref: a hash of the family's ref and the serialized key. The name is the family's.
    pub fn reacton_ref(&self) -> ReactonRef {
        ReactonRef::new(self.id, self.family.name())
    }

    fn has_key(&self, key: &dyn Any) -> bool
    where
        K: 'static,
    {
        key.downcast_ref::<K>().is_some_and(|key| (self.family.keys.same)(key, &self.key))
    }
}

impl<K: Clone, T> Clone for ComputedMember<K, T> {
    fn clone(&self) -> Self {
        let token = self.token.clone();
        Self { family: self.family, key: self.key.clone(), id: self.id, token }
    }
}

impl<K: fmt::Debug, T> fmt::Debug for ComputedMember<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.of({:?})", self.family.name(), self.key)
    }
}

impl<K: Clone + 'static, T: 'static> Located for ComputedMember<K, T> {
    type Held = T;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        if let Some(cell) = self.found(store) {
            return Some(cell);
        }
        if store.is_ended() {
            return None;
        }
        // Cloning and comparing keys is user code: it may create this very cell.
        let member = self.clone();
        member.token.set(Token::new());
        let head = Head { rref: self.reacton_ref(), at: self.family.head.at };
        let derived = Rc::new(Keyed { head, member });
        if let Some(cell) = self.found(store) {
            return Some(cell);
        }
        if store.is_ended() {
            return None;
        }
        store.graph().add_member(Body::Derived(derived), None, false).map(Place)
    }

    #[track_caller]
    fn found(&self, store: &ReactonStore) -> Option<Place> {
        if !self.token.is_none()
            && let Some(cell) = store.graph_ref().recent_member(self.id, self.token.get())
        {
            return Some(Place(cell));
        }
        let address = self.family.address();
        let is_scalar = Scalar::is::<K>();
        if let Some(cell) = store.find_member(self.id, address, &self.key, is_scalar, &self.token) {
            return Some(Place(cell));
        }
        store.refuse_duplicate_of_family(&self.family.head, address);
        None
    }

    /// The value in a store that wrote nothing.
    #[track_caller]
    fn absent(&self, _: &ReactonStore) -> T {
        ReactonStore::new().compute_alone(self, |reader| (self.family.compute)(reader, &self.key))
    }

    fn id(&self) -> Option<RefId> {
        Some(self.id)
    }

    fn is(&self, address: usize, key: Option<&dyn Any>) -> bool {
        self.family.address() == address && key.is_some_and(|key| self.has_key(key))
    }
}

#[diagnostic::do_not_recommend]
impl<K: Clone + 'static, T: 'static> Readable for ComputedMember<K, T> {
    type Value = T;
}

#[diagnostic::do_not_recommend]
impl<K: Clone + Send + 'static, T: 'static> Declared for ComputedMember<K, T> {
    type __Remote = Remote<Self>;

    fn __remote(&self) -> Remote<Self> {
        Remote(self.clone())
    }
}

/// The computation of the cell of a member.
struct Keyed<K: 'static, T: 'static> {
    head: Head,
    member: ComputedMember<K, T>,
}

impl<K: 'static, T: 'static> Derive for Keyed<K, T> {
    fn head(&self) -> Option<&Head> {
        Some(&self.head)
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn compute(&self, reader: &Reader<'_>) -> bool {
        let ComputedFamily { compute, same, .. } = *self.member.family;
        reader.store_result_by(compute(reader, &self.member.key), |old, new| {
            same.is_some_and(|same| same(old, new))
        });
        false
    }

    fn member(&self) -> Option<MemberOf<'_>> {
        let ComputedMember { family, key, token, .. } = &self.member;
        let (address, token) = (family.address(), token.get());
        Some(MemberOf { family: &family.head, address, key, token })
    }

    fn is_key(&self, key: &dyn Any) -> bool {
        self.member.has_key(key)
    }

    fn key_text(&self) -> Option<String> {
        self.member.family.keys.show.map(|show| show(&self.member.key))
    }
}
