//! Families: one declaration for many reactons, distinguished by a key.

mod computed;
mod members;

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::graph::{Body, LastToken, MemberOf, SourceOps, SourceRef, Token, same_held};
use crate::id::Head;
use crate::id::{ReactonRef, RefId};
use crate::reacton::access::sealed::{AcceptsWrites, Located, Place};
use crate::reacton::access::{Declared, Readable, Writable};
use crate::store::ReactonStore;
use crate::value::Scalar;
use crate::value::{Comparable, Same, Value};

pub use computed::{ComputedFamily, ComputedMember};
pub use members::HeldMember;

/// Many reactons of one type, one for each key: `#[reacton] static TODO: Family<u64, Todo> = |id| Todo::new(*id);`.
///
/// A family itself cannot be read. Each member is a reacton. A worker shares the family, and receives the members that were written.
///
/// A store holds the members that were written. It holds other members only while something observes them. A read of
/// any other member runs the initialiser and stores nothing.
///
/// Two keys name the same member if they are equal and have the same serialized form. Keys that are not equal name two
/// members.
///
/// # Examples
/// ```
/// # use reacton_core::{Family, Keys, ReactonStore};
/// # static SCORE: Family<u32, i64> = Family::<u32, i64>::__new("doc::SCORE", |_| 0, Keys::new(|key| u64::from(*key), u32::eq));
/// let store = ReactonStore::new();
/// store.set(&SCORE.of(7), 100);
/// assert_eq!((store.get(&SCORE.of(7)), store.get(&SCORE.of(8))), (100, 0));
/// ```
pub struct Family<K: 'static, T: 'static> {
    head: Head,
    initial: fn(&K) -> T,
    keys: Keys<K>,
    same: Same<T>,
    /// Compared with `PartialEq`, not with a function of the user.
    compares_by_eq: bool,
    id: Option<&'static str>,
}

/// How the keys of a family are hashed and compared. The attribute supplies them, because this crate does not depend on serde.
#[doc(hidden)]
pub struct Keys<K> {
    /// Equal for equal keys, in every thread, process and build.
    hash: fn(&K) -> u64,
    same: fn(&K, &K) -> bool,
    /// The text of a key in a message, if it has one.
    show: Option<fn(&K) -> String>,
}

impl<K> Keys<K> {
    #[must_use]
    pub const fn new(hash: fn(&K) -> u64, same: fn(&K, &K) -> bool) -> Self {
        Self { hash, same, show: None }
    }

    #[must_use]
    pub const fn shown_by(mut self, show: Option<fn(&K) -> String>) -> Self {
        self.show = show;
        self
    }
}

impl<K> fmt::Debug for Keys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl<K, T> Family<K, T> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, initial: fn(&K) -> T, keys: Keys<K>) -> Self
    where
        T: Comparable,
    {
        let mut family = Self::__with_eq(path, initial, keys, Some(<T as Comparable>::same));
        family.compares_by_eq = true;
        family
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(
        path: &'static str,
        initial: fn(&K) -> T,
        keys: Keys<K>,
        same: Same<T>,
    ) -> Self {
        let rref = ReactonRef::new(RefId::of(path), path);
        Self {
            head: Head { rref, at: Location::caller() },
            initial,
            keys,
            same,
            compares_by_eq: false,
            id: None,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __id(mut self, id: &'static str) -> Self {
        self.head.rref = ReactonRef::new(RefId::of(id), self.head.rref.name());
        self.id = Some(id);
        self
    }

    /// The `id = ".."` that it was declared with: its name in a file.
    #[doc(hidden)]
    #[must_use]
    pub const fn __declared_id(&self) -> Option<&'static str> {
        self.id
    }

    /// The member of this key: a reacton with a ref of its own, the same in every thread, process and build.
    ///
    /// # Panics
    /// If the key does not serialize.
    pub fn of(&'static self, key: K) -> Member<K, T> {
        let id = self.head.rref.id().member((self.keys.hash)(&key));
        Member { family: self, key, id, token: LastToken::none() }
    }

    /// The ref of the family itself.
    pub const fn reacton_ref(&self) -> ReactonRef {
        self.head.rref
    }

    /// The path of the declaration.
    pub const fn name(&self) -> &'static str {
        self.head.rref.name()
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether the two values are equal; `None` where every write is a change.
    pub(crate) fn compare(&self, a: &T, b: &T) -> Option<bool> {
        Some(self.same?(a, b))
    }

    /// The value of a member that was never written.
    #[doc(hidden)]
    pub fn __initial(&self, key: &K) -> T {
        (self.initial)(key)
    }

    /// Whether the two keys name one member.
    #[doc(hidden)]
    pub fn __is_same_key(&self, a: &K, b: &K) -> bool {
        (self.keys.same)(a, b)
    }
}

impl<K, T> fmt::Debug for Family<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Family({})", self.name())
    }
}

/// One reacton of a [`Family`].
pub struct Member<K: 'static, T: 'static> {
    family: &'static Family<K, T>,
    key: K,
    id: RefId,
    token: LastToken,
}

impl<K, T> Member<K, T> {
    /// Its key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Its ref: a hash of the family's ref and the serialized key. The name is the family's.
    ///
    /// Two keys may have the same hash. They still name two members, because a store compares the keys.
    pub fn reacton_ref(&self) -> ReactonRef {
        ReactonRef::new(self.id, self.family.name())
    }

    fn head(&self) -> Head {
        Head { rref: self.reacton_ref(), at: self.family.head.at }
    }

    fn has_key(&self, key: &dyn Any) -> bool
    where
        K: 'static,
    {
        key.downcast_ref::<K>().is_some_and(|key| (self.family.keys.same)(key, &self.key))
    }
}

impl<K: 'static, T: 'static> Member<K, T> {
    /// Its cell, if it exists. The keys are compared, unless the last look-up found the same cell.
    #[track_caller]
    #[inline(never)]
    fn look_up(&self, store: &ReactonStore) -> Option<Place> {
        let address = self.family.address();
        let is_scalar = Scalar::is::<K>();
        if let Some(cell) = store.find_member(self.id, address, &self.key, is_scalar, &self.token) {
            return Some(Place(cell));
        }
        store.refuse_duplicate_of_family(&self.family.head, address);
        None
    }
}

impl<K: Clone, T> Clone for Member<K, T> {
    fn clone(&self) -> Self {
        let token = self.token.clone();
        Self { family: self.family, key: self.key.clone(), id: self.id, token }
    }
}

impl<K: fmt::Debug, T> fmt::Debug for Member<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.of({:?})", self.family.name(), self.key)
    }
}

impl<K: Clone + 'static, T: 'static> Located for Member<K, T> {
    type Held = T;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        if let Some(cell) = self.found(store) {
            return Some(cell);
        }
        if store.is_ended() {
            return None;
        }
        // The initial value is user code: it may read, write, or create this very cell.
        let value = Value::new((self.family.initial)(&self.key));
        let member = self.clone();
        member.token.set(Token::new());
        let source = SourceRef::Own(Rc::new(Keyed { head: self.head(), member }));
        // Comparing keys is user code too.
        if let Some(cell) = self.found(store) {
            return Some(cell);
        }
        if store.is_ended() {
            return None;
        }
        store.graph().add_member(Body::Source(source), Some(value), false).map(Place)
    }

    #[track_caller]
    #[inline]
    fn found(&self, store: &ReactonStore) -> Option<Place> {
        if !self.token.is_none()
            && let Some(cell) = store.graph_ref().recent_member(self.id, self.token.get())
        {
            return Some(Place(cell));
        }
        self.look_up(store)
    }

    #[track_caller]
    fn peek(&self, store: &ReactonStore) -> Option<Place> {
        self.found(store)
    }

    fn begin_write(&self, store: &ReactonStore, place: &Place) -> bool {
        let mut graph = store.graph();
        // If a first write is already in progress, that one decides.
        graph.cell_mut(place.0).is_some_and(|cell| cell.is_unwritten() && cell.begin_write())
    }

    fn begins_entry(&self, store: &ReactonStore, place: &Place) -> bool {
        store.graph_ref().begins_entry(place.0)
    }

    fn absent(&self, _: &ReactonStore) -> T {
        (self.family.initial)(&self.key)
    }

    fn id(&self) -> Option<RefId> {
        Some(self.id)
    }

    fn is(&self, address: usize, key: Option<&dyn Any>) -> bool {
        self.family.address() == address && key.is_some_and(|key| self.has_key(key))
    }

    fn entry(&self) -> Option<(RefId, &dyn Any)> {
        Some((self.family.head.rref.id(), &self.key))
    }
}

#[diagnostic::do_not_recommend]
impl<K: Clone + 'static, T: 'static> Readable for Member<K, T> {
    type Value = T;
}

impl<K: Clone + 'static, T: 'static> AcceptsWrites for Member<K, T> {}
#[diagnostic::do_not_recommend]
impl<K: Clone + 'static, T: 'static> Writable for Member<K, T> {}

#[diagnostic::do_not_recommend]
impl<K: Clone + Send + 'static, T: 'static> Declared for Member<K, T> {
    type __Remote = Self;

    fn __remote(&self) -> Self {
        self.clone()
    }
}

/// The operations of the cell of a member.
struct Keyed<K: 'static, T: 'static> {
    head: Head,
    member: Member<K, T>,
}

impl<K: 'static, T: 'static> SourceOps for Keyed<K, T> {
    fn head(&self) -> Option<&Head> {
        Some(&self.head)
    }

    fn same(&self, old: &Value, new: &dyn Any) -> bool {
        match (self.member.family.same, old.get::<T>(), new.downcast_ref::<T>()) {
            (Some(same), Some(old), Some(new)) => same(old, new),
            _ => false,
        }
    }

    fn same_held(&self, old: &Value, new: &Value) -> bool {
        same_held(self.member.family.same, old, new)
    }

    fn is_compared(&self) -> bool {
        self.member.family.same.is_some()
    }

    fn initial(&self) -> Option<Value> {
        Some(Value::new((self.member.family.initial)(&self.member.key)))
    }

    fn member(&self) -> Option<MemberOf<'_>> {
        let Member { family, key, .. } = &self.member;
        let token = self.member.token.get();
        Some(MemberOf { family: &family.head, address: family.address(), key, token })
    }

    fn is_key(&self, key: &dyn Any) -> bool {
        self.member.has_key(key)
    }

    fn is_scalar(&self) -> bool {
        (self.member.family.compares_by_eq || !self.is_compared()) && Scalar::is::<T>()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

impl ReactonStore {
    /// The keys of `family` whose members this store holds, in no order: those that were written or restored here, and
    /// not [removed](Self::remove). Members that were only read or observed are not included.
    ///
    /// # Panics
    /// If another declaration has the id of the family.
    #[track_caller]
    pub fn keys<K: Clone + 'static, T: 'static>(&self, family: &'static Family<K, T>) -> Vec<K> {
        self.refuse_duplicate_of_family(&family.head, family.address());
        let sources: Vec<SourceRef> = {
            let graph = self.graph_ref();
            let members = graph.written_members(family.head.rref.id());
            members.map(|(_, source)| source.clone()).collect()
        };
        // Cloning a key is user code, so the borrow of the graph ends first.
        let key = |source: &SourceRef| source.member()?.key.downcast_ref::<K>().cloned();
        sources.iter().filter_map(key).collect()
    }
}
