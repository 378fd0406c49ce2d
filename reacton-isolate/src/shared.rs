//! Shared sets: which reactons a worker shares, and how the values of each get across.

use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use reacton_core::wiring::{Incoming, Moment, Wiring};
use reacton_core::{Copied, Reacton, ReactonRef, ZeroCopy};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec;
use crate::error::LinkError;
use crate::message::Payload;

/// A value that can cross between threads as a serialized copy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared with a worker: it is not serializable, or not `Send`",
    label = "this reacton holds `{Self}`, which cannot cross to another thread as a serialized copy",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`, or remove this reacton from `shared`",
    note = "to hand the value over by reference count instead, without serde, write `#[reacton(zero_copy)]`"
)]
pub trait Portable: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Portable for T {}

/// A value that can be handed to another thread by reference count.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared by reference: two threads would hold one value",
    label = "this reacton holds `{Self}`, which is not `Clone + Send + Sync`",
    note = "make `{Self}` `Clone + Send + Sync`, or remove `zero_copy` from the worker so that it crosses as a serialized copy"
)]
pub trait Handable: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Handable for T {}

/// The mode of a reacton, as far as its values can cross between threads. Computeds have none that can.
#[diagnostic::on_unimplemented(
    message = "a computed cannot be shared: it follows from other reactons",
    label = "this is a computed",
    note = "share the reactons that it reads; the worker's store computes it by itself"
)]
pub trait Crosses<T: 'static>: Sized + 'static {
    #[doc(hidden)]
    const CROSSING: &'static dyn Crossing;
}

impl<T: Portable> Crosses<T> for Copied {
    const CROSSING: &'static dyn Crossing = &ByCopy::<T, Self>(PhantomData);
}

impl<T: Send + Sync + 'static> Crosses<T> for ZeroCopy {
    const CROSSING: &'static dyn Crossing = &ByCount::<T, Self>(PhantomData);
}

/// In what form values cross a link.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Serialized.
    Bytes,
    /// By reference count.
    Counted,
}

/// How the values of one reacton cross. The reacton comes without its type and is given it back here.
#[doc(hidden)]
pub trait Crossing: Sync {
    fn form(&self) -> Form;
    fn type_name(&self) -> &'static str;
    /// From now on the store's hook is told of writes to it.
    fn sync(&self, reacton: &'static dyn Any, wiring: Wiring<'_>);
    fn pack(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        moment: Moment,
    ) -> Result<Payload, LinkError>;
    fn install(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
    ) -> Result<(), LinkError>;
}

/// One reacton of a shared set.
#[derive(Clone, Copy)]
pub struct SharedSlot {
    rref: ReactonRef,
    reacton: &'static (dyn Any + Send + Sync),
    crossing: &'static dyn Crossing,
}

impl SharedSlot {
    /// A reacton whose values cross in its own mode.
    #[must_use]
    pub const fn of<T: 'static, M: Crosses<T>>(reacton: &'static Reacton<T, M>) -> Self {
        Self { rref: reacton.reacton_ref(), reacton, crossing: M::CROSSING }
    }

    /// A reacton whose values are handed over by reference count, whatever its own mode.
    #[must_use]
    pub const fn by_reference<T: Handable, M: Shareable>(reacton: &'static Reacton<T, M>) -> Self {
        Self {
            rref: reacton.reacton_ref(),
            reacton,
            crossing: const { &ByClone::<T, M>(PhantomData) },
        }
    }

    /// The ref of the reacton.
    #[must_use]
    pub const fn reacton_ref(&self) -> ReactonRef {
        self.rref
    }

    pub(crate) fn form(&self) -> Form {
        self.crossing.form()
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.crossing.type_name()
    }

    pub(crate) fn sync(&self, wiring: Wiring<'_>) {
        self.crossing.sync(self.reacton, wiring);
    }

    pub(crate) fn pack(&self, wiring: Wiring<'_>, moment: Moment) -> Result<Payload, LinkError> {
        self.crossing.pack(self.reacton, wiring, moment)
    }

    pub(crate) fn install(
        &self,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
    ) -> Result<(), LinkError> {
        self.crossing.install(self.reacton, wiring, payload, announced)
    }
}

impl fmt::Debug for SharedSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.rref, self.form())
    }
}

/// The modes that a worker's `zero_copy` applies to: all but that of a computed.
#[diagnostic::on_unimplemented(
    message = "a computed cannot be shared: it follows from other reactons",
    label = "this is a computed",
    note = "share the reactons that it reads; the worker's store computes it by itself"
)]
pub trait Shareable: 'static {}
impl Shareable for Copied {}
impl Shareable for ZeroCopy {}

/// Fails the evaluation of a constant if a slot before `at` has the id of the one there.
///
/// # Panics
/// With `message`, while the program is compiled.
#[doc(hidden)]
#[track_caller]
pub const fn reject_duplicate(slots: &[SharedSlot], at: usize, message: &'static str) {
    let mut before = 0;
    while before < at {
        if slots[before].rref.id().same(slots[at].rref.id()) {
            panic!("{}", message);
        }
        before += 1;
    }
}

/// The reactons that one isolate shares with the store that spawned it: made by
/// [`shared!`](crate::shared) or by a worker's `shared()`.
#[derive(Debug, Clone)]
pub struct SharedSet {
    slots: Vec<SharedSlot>,
}

impl SharedSet {
    #[doc(hidden)]
    #[must_use]
    pub fn __of<W: crate::Worker>() -> Self {
        Self { slots: W::SHARED.to_vec() }
    }

    /// The refs of its reactons, in the order in which they were listed.
    pub fn refs(&self) -> impl Iterator<Item = ReactonRef> {
        self.slots.iter().map(SharedSlot::reacton_ref)
    }

    /// The number of reactons in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it is empty: then nothing is shared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn slots(&self) -> &[SharedSlot] {
        &self.slots
    }

    /// The first two of one id, if there are any.
    pub(crate) fn duplicate(&self) -> Option<(ReactonRef, ReactonRef)> {
        let mut seen = reacton_core::RefMap::default();
        self.refs().find_map(|rref| seen.insert(rref.id(), rref).map(|first| (first, rref)))
    }
}

impl<const N: usize> From<[SharedSlot; N]> for SharedSet {
    fn from(slots: [SharedSlot; N]) -> Self {
        Self { slots: slots.into() }
    }
}

/// The shared set of these reactons, for the macro-free [`IsolateStore::spawn`](crate::IsolateStore::spawn).
#[macro_export]
macro_rules! shared {
    ($($reacton:path),+ $(,)?) => {
        $crate::SharedSet::from([$($crate::SharedSlot::of(&$reacton)),+])
    };
}

fn typed<T: 'static, M: 'static>(reacton: &'static dyn Any) -> &'static Reacton<T, M> {
    reacton.downcast_ref().expect("a slot keeps its reacton beside what knows its type")
}

/// Only a store that is disposed has none.
fn no_value(reacton: ReactonRef) -> LinkError {
    LinkError::Encode {
        reacton: reacton.name(),
        reason: String::from("the store holds no value of it"),
    }
}

fn wrong_form(reacton: ReactonRef) -> LinkError {
    LinkError::Decode {
        reacton: reacton.name(),
        reason: String::from("it came in a form that this side does not share it in"),
    }
}

/// Crosses serialized.
struct ByCopy<T, M>(PhantomData<fn() -> (T, M)>);

impl<T: Portable, M: 'static> Crossing for ByCopy<T, M> {
    fn form(&self) -> Form {
        Form::Bytes
    }

    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn sync(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) {
        wiring.sync(typed::<T, M>(reacton));
    }

    fn pack(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        moment: Moment,
    ) -> Result<Payload, LinkError> {
        let reacton = typed::<T, M>(reacton);
        let name = reacton.name();
        let held = wiring.held(reacton, moment);
        let held = held.ok_or_else(|| no_value(reacton.reacton_ref()))?;
        let bytes = codec::encode::<T>(&held)
            .map_err(|reason| LinkError::Encode { reacton: name, reason })?;
        if cfg!(debug_assertions) && is_lossy(reacton, &held, &bytes) {
            return Err(LinkError::Lossy { reacton: name, type_name: type_name::<T>() });
        }
        Ok(Payload::Bytes(bytes))
    }

    fn install(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
    ) -> Result<(), LinkError> {
        let reacton = typed::<T, M>(reacton);
        let Payload::Bytes(bytes) = payload else {
            return Err(wrong_form(reacton.reacton_ref()));
        };
        let value = codec::decode::<T>(bytes)
            .map_err(|reason| LinkError::Decode { reacton: reacton.name(), reason })?;
        wiring.install(reacton, Incoming::Owned(value), announced);
        Ok(())
    }
}

/// Whether a value comes back other than it went. A value that does not equal itself, such as a list with a NaN
/// in it, says nothing; nor does one under `eq = never`.
fn is_lossy<T: Portable, M>(reacton: &Reacton<T, M>, value: &T, bytes: &[u8]) -> bool {
    match codec::decode::<T>(bytes) {
        Ok(back) => {
            Wiring::same(reacton, value, &back) == Some(false)
                && Wiring::same(reacton, value, value) == Some(true)
        }
        Err(_) => true,
    }
}

fn unpack<T: Send + Sync + 'static>(
    reacton: ReactonRef,
    payload: &Payload,
) -> Result<Arc<T>, LinkError> {
    match payload {
        Payload::Counted(value) => {
            Arc::clone(value).downcast::<T>().map_err(|_| wrong_form(reacton))
        }
        Payload::Bytes(_) => Err(wrong_form(reacton)),
    }
}

/// Crosses by reference count; the reacton is declared so, and its values are counted from the beginning.
struct ByCount<T, M>(PhantomData<fn() -> (T, M)>);

impl<T: Send + Sync + 'static, M: 'static> Crossing for ByCount<T, M> {
    fn form(&self) -> Form {
        Form::Counted
    }

    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn sync(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) {
        wiring.sync(typed::<T, M>(reacton));
    }

    fn pack(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        moment: Moment,
    ) -> Result<Payload, LinkError> {
        let reacton = typed::<T, M>(reacton);
        let held = wiring.held(reacton, moment);
        match held.as_ref().and_then(|held| held.counted()) {
            Some(value) => Ok(Payload::Counted(Arc::<T>::clone(value))),
            None => Err(no_value(reacton.reacton_ref())),
        }
    }

    fn install(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
    ) -> Result<(), LinkError> {
        let reacton = typed::<T, M>(reacton);
        let value = unpack::<T>(reacton.reacton_ref(), payload)?;
        wiring.install(reacton, Incoming::Counted(value), announced);
        Ok(())
    }
}

/// Crosses by reference count because the worker says so. The store keeps the values counted from the first time
/// that one is handed over; that one is cloned.
struct ByClone<T, M>(PhantomData<fn() -> (T, M)>);

impl<T: Handable, M: 'static> Crossing for ByClone<T, M> {
    fn form(&self) -> Form {
        Form::Counted
    }

    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn sync(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) {
        wiring.sync(typed::<T, M>(reacton));
    }

    fn pack(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        moment: Moment,
    ) -> Result<Payload, LinkError> {
        let reacton = typed::<T, M>(reacton);
        match wiring.held(reacton, moment) {
            Some(held) => {
                let value: Arc<T> = wiring.counted(reacton, &held);
                Ok(Payload::Counted(value))
            }
            None => Err(no_value(reacton.reacton_ref())),
        }
    }

    fn install(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
    ) -> Result<(), LinkError> {
        ByCount::<T, M>(PhantomData).install(reacton, wiring, payload, announced)
    }
}
