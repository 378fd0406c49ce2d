//! Declarations: what the attributes make of a static. They contain names and functions, no values.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;

use crate::graph::{Body, SourceOps, SourceRef, same_held};
use crate::id::{Head, ReactonRef, RefId};
use crate::store::ReactonStore;
use crate::store::code::Derive;
use crate::store::reader::Reader;
use crate::value::Scalar;
use crate::value::{Comparable, Countable, Same, Value};

/// The mode of a reacton whose values are sent to other threads as serialized copies. The default.
#[derive(Debug)]
pub enum Copied {}

/// The mode of a reacton whose values are sent to other threads by reference count: `#[reacton(zero_copy)]`.
#[derive(Debug)]
pub enum ZeroCopy {}

/// The mode of a collection, and of `#[reacton(merge)]`: entries are written, observed and sent one by one. They are
/// sent serialized.
#[derive(Debug)]
pub enum Merged {}

/// As [`Merged`], but entries are sent by reference count: with `zero_copy`.
#[derive(Debug)]
pub enum MergedByCount {}

/// The mode of a [`Computed`].
#[derive(Debug)]
pub enum Derived {}

/// A typed value with a name, declared once. Each store that uses it holds its own value.
///
/// Made by `#[reacton] static NAME: T = initial;`. The static itself holds no value: each [`ReactonStore`] does.
///
/// The mode `M` says how values are sent to other threads: [`Copied`], [`ZeroCopy`], [`Merged`] or [`MergedByCount`], or, for a
/// [`Computed`], [`Derived`].
// Not `Clone` and without interior mutability: its address is its identity, and a slot cached inside
// would end the compile-time check of ids in shared sets.
pub struct Reacton<T: 'static, M = Copied> {
    declaration: Declaration<T>,
    beside: Option<&'static (dyn Any + Sync)>,
    mode: PhantomData<fn() -> M>,
}

/// A reacton whose value is computed from other reactons. It is lazy and cached, and cannot be written.
///
/// Made by `#[computed] static NAME: T = |cx| ..;`.
pub type Computed<T> = Reacton<T, Derived>;

impl<T: 'static> Reacton<T, Copied> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, initial: fn() -> T) -> Self
    where
        T: Comparable,
    {
        Self::__with_eq(path, initial, Some(<T as Comparable>::same)).compared_by_eq()
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(path: &'static str, initial: fn() -> T, same: Same<T>) -> Self {
        Self::declare(path, Origin::Initial(initial), same, false)
    }
}

impl<T: 'static> Reacton<T, ZeroCopy> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, initial: fn() -> T) -> Self
    where
        T: Comparable + Countable,
    {
        Self::__with_eq(path, initial, Some(<T as Comparable>::same)).compared_by_eq()
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(path: &'static str, initial: fn() -> T, same: Same<T>) -> Self
    where
        T: Countable,
    {
        Self::declare(path, Origin::Initial(initial), same, true)
    }
}

impl<T: 'static> Reacton<T, Derived> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, compute: fn(&Reader<'_>) -> T) -> Self
    where
        T: Comparable,
    {
        Self::__with_eq(path, compute, Some(<T as Comparable>::same))
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(
        path: &'static str,
        compute: fn(&Reader<'_>) -> T,
        same: Same<T>,
    ) -> Self {
        Self::declare(path, Origin::Computed(compute), same, false)
    }
}

impl<T: 'static, M> Reacton<T, M> {
    #[track_caller]
    const fn declare(
        path: &'static str,
        origin: Origin<T>,
        same: Same<T>,
        arc_backed: bool,
    ) -> Self {
        Self {
            declaration: Declaration {
                head: Head { rref: ReactonRef::new(RefId::of(path), path), at: Location::caller() },
                origin,
                same,
                compares_by_eq: false,
                arc_backed,
                merging: None,
                id: None,
            },
            beside: None,
            mode: PhantomData,
        }
    }

    /// One whose values are written entry by entry.
    #[track_caller]
    pub(crate) const fn declare_merged(
        path: &'static str,
        initial: fn() -> T,
        merging: &'static (dyn Merging<T> + Sync),
    ) -> Self {
        let mut reacton = Self::declare(path, Origin::Initial(initial), None, false);
        reacton.declaration.merging = Some(merging);
        reacton
    }

    /// Compared by its `PartialEq`, not by a function of the user's.
    const fn compared_by_eq(mut self) -> Self {
        self.declaration.compares_by_eq = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __id(mut self, id: &'static str) -> Self {
        self.declaration.head.rref =
            ReactonRef::new(RefId::of(id), self.declaration.head.rref.name());
        self.declaration.id = Some(id);
        self
    }

    /// The `id = ".."` that it was declared with: its name in a file, where the path would not survive a move.
    #[doc(hidden)]
    #[must_use]
    pub const fn __declared_id(&self) -> Option<&'static str> {
        self.declaration.id
    }

    /// Something beside the declaration, for the code that shares values.
    #[doc(hidden)]
    #[must_use]
    pub const fn __beside(mut self, beside: Option<&'static (dyn Any + Sync)>) -> Self {
        self.beside = beside;
        self
    }

    /// What stands [beside](Self::__beside) the declaration.
    #[doc(hidden)]
    pub const fn __side(&self) -> Option<&'static (dyn Any + Sync)> {
        self.beside
    }

    /// The ref: equal in every thread, process, build and machine.
    pub const fn reacton_ref(&self) -> ReactonRef {
        self.declaration.head.rref
    }

    /// The path of the declaration, such as `my_app::state::COUNT`.
    pub const fn name(&self) -> &'static str {
        self.declaration.head.rref.name()
    }

    pub(crate) fn site(&self) -> Site<T> {
        Site { declaration: self.declaration, address: std::ptr::from_ref(self).addr() }
    }
}

impl<T, M> std::fmt::Debug for Reacton<T, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reacton({})", self.name())
    }
}

/// The source of the first value.
enum Origin<T> {
    Initial(fn() -> T),
    Computed(fn(&Reader<'_>) -> T),
}

impl<T> Clone for Origin<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Origin<T> {}

struct Declaration<T: 'static> {
    head: Head,
    origin: Origin<T>,
    same: Same<T>,
    compares_by_eq: bool,
    arc_backed: bool,
    merging: Option<&'static (dyn Merging<T> + Sync)>,
    id: Option<&'static str>,
}

/// What makes the cells of a reacton whose values are written entry by entry.
pub(crate) trait Merging<T: 'static> {
    fn source(&self, site: Site<T>) -> SourceRef;
}

impl<T> Clone for Declaration<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Declaration<T> {}

/// A declaration and the address of its static: all that has to travel for another thread to name the reacton.
#[doc(hidden)]
pub struct Site<T: 'static> {
    declaration: Declaration<T>,
    address: usize,
}

impl<T> Clone for Site<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Site<T> {}

impl<T> std::fmt::Debug for Site<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Site({})", self.declaration.head.rref)
    }
}

impl<T: 'static> Site<T> {
    pub(crate) fn head(&self) -> &Head {
        &self.declaration.head
    }

    pub(crate) fn address(&self) -> usize {
        self.address
    }

    /// Whether the two values are equal; `None` if every write is a change.
    pub(crate) fn compare(&self, a: &T, b: &T) -> Option<bool> {
        self.declaration.same.map(|same| same(a, b))
    }

    /// The body and the value for a new cell.
    pub(crate) fn contents(&self) -> (Body, Option<Value>, bool) {
        let arc_backed = self.declaration.arc_backed;
        match self.declaration.origin {
            Origin::Computed(_) => (Body::Derived(Rc::new(*self)), None, arc_backed),
            Origin::Initial(initial) => {
                let value = Value::in_form(initial(), arc_backed);
                let source = match self.declaration.merging {
                    Some(merging) => merging.source(*self),
                    None => SourceRef::Own(Rc::new(*self)),
                };
                (Body::Source(source), Some(value), arc_backed)
            }
        }
    }

    /// The value in a store that wrote nothing. A computed is computed in a new store, which also detects one that
    /// depends on itself.
    #[track_caller]
    pub(crate) fn initial(&self) -> T {
        match self.declaration.origin {
            Origin::Initial(initial) => initial(),
            Origin::Computed(compute) => ReactonStore::new().compute_alone(self, compute),
        }
    }
}

impl<T: 'static> SourceOps for Site<T> {
    fn head(&self) -> Option<&Head> {
        Some(&self.declaration.head)
    }

    fn same(&self, old: &Value, new: &dyn Any) -> bool {
        match (self.declaration.same, old.get::<T>(), new.downcast_ref::<T>()) {
            (Some(same), Some(old), Some(new)) => same(old, new),
            _ => false,
        }
    }

    fn same_held(&self, old: &Value, new: &Value) -> bool {
        same_held(self.declaration.same, old, new)
    }

    fn is_compared(&self) -> bool {
        self.declaration.same.is_some()
    }

    fn initial(&self) -> Option<Value> {
        match self.declaration.origin {
            Origin::Initial(initial) => {
                Some(Value::in_form(initial(), self.declaration.arc_backed))
            }
            Origin::Computed(_) => None,
        }
    }

    fn is_scalar(&self) -> bool {
        (self.declaration.compares_by_eq || !self.is_compared()) && Scalar::is::<T>()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

impl<T: 'static> Derive for Site<T> {
    fn head(&self) -> Option<&Head> {
        Some(&self.declaration.head)
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn compute(&self, reader: &Reader<'_>) -> bool {
        if let Origin::Computed(compute) = self.declaration.origin {
            let same = self.declaration.same;
            reader.store_result_by(compute(reader), |old, new| {
                same.is_some_and(|same| same(old, new))
            });
        }
        false
    }
}
