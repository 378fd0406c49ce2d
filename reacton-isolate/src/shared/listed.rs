//! What stands in a list of what to share, before it is known whether it is a reacton.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use reacton_core::{Copied, Family, Reacton, ReactonRef};

use super::crossing::Crossing;
use super::families::{ByMember, Counted, InBytes, MemberKey};
use super::{Cloneable, Portable, TwoThreaded};
use super::{Crosses, Direction, Shareable, SharedSlot};

/// A static in a list.
///
/// Its [`entry`](ListEntry::entry) is looked up by the rules of method calls, which find a reacton's in a constant, and
/// for anything else that of [`NotAReacton`]. So it has a type of its own, whatever it is, and the compiler says of a
/// trait that the type lacks it. A function that takes a reacton would only say `mismatched types`.
///
/// The `entry` of a reacton of references is that of [`OfReferences`], if the trait is in scope: it takes the receiver
/// by value, which comes before the reference of the inherent method. Otherwise the compiler would only say that
/// `Deserialize` is not general enough.
#[doc(hidden)]
pub struct ListEntry<R: 'static> {
    reacton: &'static R,
    not_a_reacton: NotAReacton<R>,
}

/// What is no reacton.
#[doc(hidden)]
pub struct NotAReacton<R>(PhantomData<fn() -> R>);

/// A static in a list, whose type is left to be asked what it can do.
#[doc(hidden)]
pub struct TypedEntry<R: 'static> {
    pub(super) rref: ReactonRef,
    pub(super) typed: &'static R,
    pub(super) reacton: &'static (dyn Any + Send + Sync),
    pub(super) id: Option<&'static str>,
}

impl<R> Clone for TypedEntry<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for TypedEntry<R> {}

impl<R> TypedEntry<R> {
    pub(super) const fn slot(self, crossing: &'static dyn Crossing) -> SharedSlot {
        let Self { rref, reacton, id, .. } = self;
        SharedSlot { rref, direction: Direction::Both, reacton, crossing, id }
    }
}

impl<R> ListEntry<R> {
    #[must_use]
    pub const fn new(reacton: &'static R) -> Self {
        Self { reacton, not_a_reacton: NotAReacton(PhantomData) }
    }
}

impl<K, T> ListEntry<Family<K, T>> {
    #[must_use]
    pub const fn entry(&self) -> TypedEntry<Family<K, T>> {
        let (rref, id) = (self.reacton.reacton_ref(), self.reacton.__declared_id());
        TypedEntry { rref, typed: self.reacton, reacton: self.reacton, id }
    }
}

impl<T, M: 'static> ListEntry<Reacton<T, M>> {
    #[must_use]
    pub const fn entry(&self) -> TypedEntry<Reacton<T, M>> {
        let (rref, id) = (self.reacton.reacton_ref(), self.reacton.__declared_id());
        TypedEntry { rref, typed: self.reacton, reacton: self.reacton, id }
    }
}

/// The mode of a reacton of references, in a list of what crosses as bytes: it crosses in none.
#[doc(hidden)]
#[derive(Debug)]
pub enum Borrowing {}

/// A reacton whose values are references, in a list of what crosses as bytes.
#[doc(hidden)]
pub trait OfReferences: Sized {
    type Value: 'static;

    /// Never called: no slot is made of what this returns.
    ///
    /// # Panics
    /// Always.
    fn entry(self) -> TypedEntry<Reacton<Self::Value, Borrowing>> {
        unreachable!("a reference is not shared")
    }

    /// Used once in each list, so that the import of this trait is not unused in a list without references.
    fn imported(self) {}
}

impl OfReferences for () {
    type Value = ();
}

impl<T: ?Sized> OfReferences for ListEntry<Reacton<&'static T, Copied>> {
    type Value = &'static T;
}

impl<T: ?Sized> OfReferences for ListEntry<Reacton<Option<&'static T>, Copied>> {
    type Value = Option<&'static T>;
}

impl<T: ?Sized> OfReferences for ListEntry<Reacton<Vec<&'static T>, Copied>> {
    type Value = Vec<&'static T>;
}

/// A value that can be made of bytes without borrowing from them: no reference is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared with a worker: it borrows",
    label = "this reacton holds `{Self}`, and a worker makes a value of its own from bytes",
    note = "hold what owns its data: a `String` or a `Cow<'static, str>` for `&'static str`, a `Vec` for a slice",
    note = "to hand the reference over as it is, without serde, write `#[reacton(zero_copy)]`"
)]
#[doc(hidden)]
pub trait Owned {}

impl<T: Owned + 'static> Crosses<T> for Borrowing {
    const CROSSING: &'static dyn Crossing = unreachable!();
}

impl<R> Deref for ListEntry<R> {
    type Target = NotAReacton<R>;

    fn deref(&self) -> &NotAReacton<R> {
        &self.not_a_reacton
    }
}

impl<R> NotAReacton<R> {
    /// Never called: no slot is made of what this returns.
    ///
    /// # Panics
    /// Always.
    #[must_use]
    pub fn entry(&self) -> TypedEntry<R> {
        unreachable!("{self:?} is not shared")
    }
}

/// What can be shared with a worker, in its own mode.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared with a worker: it is no `Reacton`",
    label = "this is no `Reacton`",
    note = "a `Reacton` is what `#[reacton] static NAME: T = value;` declares",
    note = "of a `Family`, the family is shared, not one member: write `NAME`, not `NAME.of(key)`",
    note = "a local reacton, which `store.reacton(..)` makes, belongs to one store",
    note = "a `Group` is spread: `..GROUP`"
)]
#[doc(hidden)]
pub trait Shares {
    const CROSSING: &'static dyn Crossing;
}

impl<T: 'static, M: Crosses<T>> Shares for Reacton<T, M> {
    const CROSSING: &'static dyn Crossing = M::CROSSING;
}

impl<K: MemberKey, T: Portable> Shares for Family<K, T> {
    const CROSSING: &'static dyn Crossing = &ByMember::<K, T, InBytes>::NEW;
}

/// What can be shared with a worker by reference count, whatever its own mode.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared with a worker: it is no `Reacton`",
    label = "this is no `Reacton`",
    note = "a `Reacton` is what `#[reacton] static NAME: T = value;` declares",
    note = "of a `Family`, the family is shared, not one member: write `NAME`, not `NAME.of(key)`",
    note = "a local reacton, which `store.reacton(..)` makes, belongs to one store",
    note = "a `Group` is spread: `..GROUP`"
)]
#[doc(hidden)]
pub trait SharesByReference {
    const CROSSING: &'static dyn Crossing;
}

impl<T: 'static, M: Shareable<T>> SharesByReference for Reacton<T, M> {
    const CROSSING: &'static dyn Crossing = M::BY_REFERENCE;
}

impl<K: MemberKey, T: Cloneable + TwoThreaded> SharesByReference for Family<K, T> {
    const CROSSING: &'static dyn Crossing = &ByMember::<K, T, Counted>::NEW;
}

impl SharedSlot {
    /// The slot of an entry.
    #[doc(hidden)]
    #[must_use]
    pub const fn listed<R: Shares>(entry: TypedEntry<R>) -> Self {
        entry.slot(R::CROSSING)
    }

    /// The slot of an entry whose values are handed over by reference count.
    #[doc(hidden)]
    #[must_use]
    pub const fn listed_by_reference<R: SharesByReference>(entry: TypedEntry<R>) -> Self {
        entry.slot(R::CROSSING)
    }
}

impl<R> fmt::Debug for ListEntry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.not_a_reacton.fmt(f)
    }
}

impl<R> fmt::Debug for NotAReacton<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<R>())
    }
}

impl<R> fmt::Debug for TypedEntry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rref)
    }
}
