//! What stands in a list of what to share, before it is known whether it is a reacton.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use reacton_core::{Copied, Reacton, ReactonRef};

use super::crossing::{Across, Crossing, SharedOnDemand};
use super::{Cloneable, Crosses, Direction, Shareable, SharedSlot, TwoThreaded};

/// A static in a list.
///
/// Its [`element`](Listed::element) is looked up by the rules of method calls, which find a reacton's in a constant, and
/// for anything else that of [`Stranger`]. So it has a type of its own, whatever it is, and the compiler says of a
/// trait that the type lacks it. A function that takes a reacton would only say `mismatched types`.
///
/// The `element` of a reacton of references is that of [`OfReferences`], if the trait is in scope: it takes the receiver
/// by value, which comes before the reference of the inherent method. Otherwise the compiler would only say that
/// `Deserialize` is not general enough.
#[doc(hidden)]
pub struct Listed<R: 'static> {
    reacton: &'static R,
    stranger: Stranger<R>,
}

/// What is no reacton.
#[doc(hidden)]
pub struct Stranger<R>(PhantomData<fn() -> R>);

/// A static in a list, whose type is left to be asked what it can do.
#[doc(hidden)]
pub struct Element<R> {
    rref: ReactonRef,
    reacton: &'static (dyn Any + Send + Sync),
    of: PhantomData<fn() -> R>,
}

impl<R> Clone for Element<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Element<R> {}

impl<R> Listed<R> {
    #[must_use]
    pub const fn new(reacton: &'static R) -> Self {
        Self { reacton, stranger: Stranger(PhantomData) }
    }
}

impl<T, M: 'static> Listed<Reacton<T, M>> {
    #[must_use]
    pub const fn element(&self) -> Element<Reacton<T, M>> {
        Element { rref: self.reacton.reacton_ref(), reacton: self.reacton, of: PhantomData }
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
    fn element(self) -> Element<Reacton<Self::Value, Borrowing>> {
        unreachable!("a reference is not shared")
    }

    /// Used once in each list, so that the import of this trait is not unused in a list without references.
    fn imported(self) {}
}

impl OfReferences for () {
    type Value = ();
}

impl<T: ?Sized> OfReferences for Listed<Reacton<&'static T, Copied>> {
    type Value = &'static T;
}

impl<T: ?Sized> OfReferences for Listed<Reacton<Option<&'static T>, Copied>> {
    type Value = Option<&'static T>;
}

impl<T: ?Sized> OfReferences for Listed<Reacton<Vec<&'static T>, Copied>> {
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

impl<R> Deref for Listed<R> {
    type Target = Stranger<R>;

    fn deref(&self) -> &Stranger<R> {
        &self.stranger
    }
}

impl<R> Stranger<R> {
    /// Never called: no slot is made of what this gives.
    ///
    /// # Panics
    /// Always.
    #[must_use]
    pub fn element(&self) -> Element<R> {
        unreachable!("{self:?} is not shared")
    }
}

/// What can be shared with a worker, in its own mode.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared with a worker: it is no `Reacton`",
    label = "this is no `Reacton`",
    note = "a `Reacton` is what `#[reacton] static NAME: T = value;` declares",
    note = "a `Family` is private to each store: share a map instead, such as a `BTreeMap<K, T>`",
    note = "a local reacton, which `store.reacton(..)` makes, belongs to one store"
)]
#[doc(hidden)]
pub trait Shares {
    const CROSSING: &'static dyn Crossing;
}

impl<T: 'static, M: Crosses<T>> Shares for Reacton<T, M> {
    const CROSSING: &'static dyn Crossing = M::CROSSING;
}

/// What can be shared with a worker by reference count, whatever its own mode.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared with a worker: it is no `Reacton`",
    label = "this is no `Reacton`",
    note = "a `Reacton` is what `#[reacton] static NAME: T = value;` declares",
    note = "a `Family` is private to each store: share a map instead, such as a `BTreeMap<K, T>`",
    note = "a local reacton, which `store.reacton(..)` makes, belongs to one store"
)]
#[doc(hidden)]
pub trait SharesByReference {
    const CROSSING: &'static dyn Crossing;
}

impl<T: Cloneable + TwoThreaded, M: Shareable> SharesByReference for Reacton<T, M> {
    const CROSSING: &'static dyn Crossing = &Across::<T, M, SharedOnDemand>::NEW;
}

impl SharedSlot {
    /// The slot of an element.
    #[doc(hidden)]
    #[must_use]
    pub const fn listed<R: Shares>(element: Element<R>) -> Self {
        let Element { rref, reacton, .. } = element;
        Self { rref, direction: Direction::Both, reacton, crossing: R::CROSSING }
    }

    /// The slot of an element whose values are handed over by reference count.
    #[doc(hidden)]
    #[must_use]
    pub const fn listed_by_reference<R: SharesByReference>(element: Element<R>) -> Self {
        let Element { rref, reacton, .. } = element;
        Self { rref, direction: Direction::Both, reacton, crossing: R::CROSSING }
    }
}

impl<R> fmt::Debug for Listed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stranger.fmt(f)
    }
}

impl<R> fmt::Debug for Stranger<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<R>())
    }
}

impl<R> fmt::Debug for Element<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rref)
    }
}
