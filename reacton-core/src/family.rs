//! Families: one declaration for many reactons, told apart by a key.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::access::sealed::{Located, Place, Written};
use crate::access::{Declared, Readable, Writable};
use crate::declare::Head;
use crate::graph::{Body, Known, Source, same_held};
use crate::id::{ReactonRef, RefId};
use crate::scalar::Scalar;
use crate::store::ReactonStore;
use crate::value::{Comparable, Same, Value};

/// Many reactons of one type, one for each key: `#[reacton] static TODO: Family<u64, Todo> = |id| Todo::new(*id);`.
///
/// A family is not read; its members are, each as a reacton of its own. Neither can be shared with a worker yet.
///
/// # Examples
/// ```
/// # use reacton_core::{Family, ReactonStore};
/// # static SCORE: Family<u32, i64> = Family::<u32, i64>::__new("doc::SCORE", |_| 0, |key| u64::from(*key));
/// let store = ReactonStore::new();
/// store.set(&SCORE.of(7), 100);
/// assert_eq!((store.get(&SCORE.of(7)), store.get(&SCORE.of(8))), (100, 0));
/// ```
pub struct Family<K: 'static, T: 'static> {
    head: Head,
    initial: fn(&K) -> T,
    /// Handed in by the attribute, because this crate knows no serde.
    key_hash: fn(&K) -> u64,
    same: Same<T>,
    /// Compared by `PartialEq`, not by a function of the user's.
    natural: bool,
}

impl<K, T> Family<K, T> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, initial: fn(&K) -> T, key_hash: fn(&K) -> u64) -> Self
    where
        T: Comparable,
    {
        let mut family = Self::__with_eq(path, initial, key_hash, Some(<T as Comparable>::same));
        family.natural = true;
        family
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(
        path: &'static str,
        initial: fn(&K) -> T,
        key_hash: fn(&K) -> u64,
        same: Same<T>,
    ) -> Self {
        let rref = ReactonRef::new(RefId::of(path), path);
        Self {
            head: Head { rref, at: Location::caller() },
            initial,
            key_hash,
            same,
            natural: false,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __id(mut self, id: &'static str) -> Self {
        self.head.rref = ReactonRef::new(RefId::of(id), self.head.rref.name());
        self
    }

    /// The member of this key: a reacton with a ref of its own, the same in every thread, process and build.
    ///
    /// # Panics
    /// If the key does not serialize.
    pub fn of(&'static self, key: K) -> Member<K, T> {
        let id = self.head.rref.id().member((self.key_hash)(&key));
        Member { family: self, key, id }
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
}

impl<K, T> Member<K, T> {
    /// Its key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Its ref: a hash of the family's ref and the serialized key. The name is the family's.
    pub fn reacton_ref(&self) -> ReactonRef {
        ReactonRef::new(self.id, self.family.name())
    }

    fn head(&self) -> Head {
        Head { rref: self.reacton_ref(), at: self.family.head.at }
    }
}

impl<K: Clone, T> Clone for Member<K, T> {
    fn clone(&self) -> Self {
        Self { family: self.family, key: self.key.clone(), id: self.id }
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
        let make = || {
            let value = Value::new((self.family.initial)(&self.key));
            let source = Keyed { head: self.head(), member: self.clone() };
            (Body::Source(Known::Own(Rc::new(source))), Some(value), false)
        };
        store.declared_cell(&self.head(), self.family.address(), make).map(Place)
    }

    fn absent(&self, _: &ReactonStore) -> T {
        (self.family.initial)(&self.key)
    }

    fn id(&self) -> Option<RefId> {
        Some(self.id)
    }
}

#[diagnostic::do_not_recommend]
impl<K: Clone + 'static, T: 'static> Readable for Member<K, T> {
    type Value = T;
}

impl<K: Clone + 'static, T: 'static> Written for Member<K, T> {}
#[diagnostic::do_not_recommend]
impl<K: Clone + 'static, T: 'static> Writable for Member<K, T> {}

#[diagnostic::do_not_recommend]
impl<K: Clone + Send + 'static, T: 'static> Declared for Member<K, T> {
    type __Remote = Self;

    fn __remote(&self) -> Self {
        self.clone()
    }
}

/// What the cell of a member knows.
struct Keyed<K: 'static, T: 'static> {
    head: Head,
    member: Member<K, T>,
}

impl<K: 'static, T: 'static> Source for Keyed<K, T> {
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

    fn key(&self) -> Option<&dyn Any> {
        Some(&self.member.key)
    }

    fn is_scalar(&self) -> bool {
        self.member.family.natural && Scalar::is::<T>()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

impl ReactonStore {
    /// The keys of `family` whose members this store holds, in no order: those that were read, written or observed
    /// here, or came from another store, and were not [removed](Self::remove).
    pub fn keys<K: Clone + 'static, T: 'static>(&self, family: &'static Family<K, T>) -> Vec<K> {
        let sources: Vec<Known> = {
            let graph = self.graph_ref();
            let members =
                graph.declared_sources().filter(|(_, address, _)| *address == family.address());
            members.filter_map(|(_, _, cell)| cell.body.source().cloned()).collect()
        };
        // Cloning a key is user code: the graph is let go.
        sources.iter().filter_map(|source| source.key()?.downcast_ref::<K>().cloned()).collect()
    }
}
