//! Shared sets: which reactons a worker shares, and how the values of each get across.

mod checks;
mod crossing;
mod duplicates;
mod entries;
mod families;
mod grouped;
mod listed;
mod merging;
mod modes;
mod probe;
#[doc(hidden)]
pub mod probes;
mod stored;

use std::any::Any;
use std::fmt;

use reacton_core::wiring::{Moment, Prepared, Wiring};
use reacton_core::{Family, FirstPanic, Reacton, ReactonRef, RefId, RefMap};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::crossing::{Crossing, Form};
use self::families::MemberKey;
pub use self::grouped::{Group, GroupPart, GroupSlot, SharedPart, Sharing};
use self::listed::Shares;
pub use self::listed::{ListEntry, OfReferences};
pub(crate) use self::merging::{Decoded, Joined, Joining, Known, Sealed, at_key};
pub use self::modes::Crosses;
use self::modes::Shareable;
pub use self::probe::{NoBytes, Probe};
pub use self::stored::{LoadedEntries, Saves, Storable, Stores};
use crate::error::LinkError;
use crate::wire::value::{Encoded, Payload};

/// A value that can be written to bytes and made of them again.
///
/// Apart from [`Portable`], so that the compiler says which half of it is missing: this, or `Send`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared with a worker: it is not serializable",
    label = "this reacton holds `{Self}`, which lacks `serde::Serialize`, `serde::Deserialize` or both",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}` and to what it holds, or remove this reacton from `shared`",
    note = "to hand the value over by reference count instead, without serde, write `#[reacton(zero_copy)]`",
    note = "serde has nothing for an array of more than 32 elements, an `Instant`, a trait object or a `Box<dyn Error>`: hold a `Vec`, \
            a `SystemTime` or `Duration`, an enum, a `String`",
    note = "if it is a collection under a name of your own, which the attribute cannot see, declare it by `#[reacton(merge)]`"
)]
pub trait Serializable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Serializable for T {}

/// A value that can be sent to another thread as a serialized copy.
pub trait Portable: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serializable + Send + 'static> Portable for T {}

/// A value that can be sent to another thread by reference count.
///
/// If a store holds the value without a reference count, the first time that it is sent copies it.
pub trait Handable: Clone + Send + Sync + 'static {}

impl<T: Cloneable + TwoThreaded> Handable for T {}

/// Apart from [`TwoThreaded`], so that the compiler says which half is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared by a `zero_copy` worker: it is not `Clone`",
    label = "this reacton holds `{Self}`, which is not `Clone`",
    note = "add `#[derive(Clone)]` to `{Self}` and to what it holds, or put `zero_copy` on the reacton instead of the worker"
)]
pub trait Cloneable: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> Cloneable for T {}

/// A value that two threads may hold at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared by a `zero_copy` worker: two threads would hold one value",
    label = "this reacton holds `{Self}`, which is not `Send + Sync`",
    note = "hold an `Arc` for an `Rc`, and a `Mutex` or an atomic for a `Cell`, or remove `zero_copy` from the worker so that it crosses as a serialized copy"
)]
pub trait TwoThreaded: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> TwoThreaded for T {}

/// Which side of a link writes a shared reacton.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// Each.
    Both,
    /// The store that spawns: `in R`.
    In,
    /// The worker: `out R`.
    Out,
}

/// One reacton of a shared set.
#[derive(Clone, Copy)]
pub struct SharedSlot {
    rref: ReactonRef,
    direction: Direction,
    reacton: &'static (dyn Any + Send + Sync),
    crossing: &'static dyn Crossing,
    /// The `id = ".."` of the reacton.
    id: Option<&'static str>,
}

impl SharedSlot {
    /// A reacton whose values cross in its own mode.
    #[must_use]
    pub const fn of<T: 'static, M: Crosses<T>>(reacton: &'static Reacton<T, M>) -> Self {
        let (rref, direction) = (reacton.reacton_ref(), Direction::Both);
        Self { rref, direction, reacton, crossing: M::CROSSING, id: reacton.__declared_id() }
    }

    /// A reacton whose values are handed over by reference count, whatever its own mode.
    #[must_use]
    pub const fn by_reference<T: 'static, M: Shareable<T>>(
        reacton: &'static Reacton<T, M>,
    ) -> Self {
        Self {
            rref: reacton.reacton_ref(),
            direction: Direction::Both,
            reacton,
            crossing: M::BY_REFERENCE,
            id: reacton.__declared_id(),
        }
    }

    /// A family, whose members cross one by one.
    #[must_use]
    pub const fn of_family<K: MemberKey, T: Portable>(family: &'static Family<K, T>) -> Self {
        Self {
            rref: family.reacton_ref(),
            direction: Direction::Both,
            reacton: family,
            crossing: <Family<K, T> as Shares>::CROSSING,
            id: family.__declared_id(),
        }
    }

    /// The same as `in`: only the store that spawns writes it.
    #[must_use]
    pub const fn inward(self) -> Self {
        Self { direction: Direction::In, ..self }
    }

    /// The same as `out`: only the worker writes it.
    #[must_use]
    pub const fn outward(self) -> Self {
        Self { direction: Direction::Out, ..self }
    }

    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// The ref of the reacton.
    #[must_use]
    pub const fn reacton_ref(&self) -> ReactonRef {
        self.rref
    }

    /// The same slot, with values that cross as bytes; `None` if they cannot.
    #[cfg(feature = "process")]
    fn over_bytes(&self) -> Option<Self> {
        if self.form() == Form::Bytes {
            return Some(*self);
        }
        Some(Self { crossing: self.crossing.bytes(self.reacton)?, ..*self })
    }

    pub(crate) fn form(&self) -> Form {
        self.crossing.form()
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.crossing.type_name()
    }

    /// What the `Deserialize` of its values asks for, if they cross as bytes. This runs user code.
    pub(crate) fn shape(&self) -> Option<String> {
        self.crossing.shape()
    }

    pub(crate) fn sync(&self, wiring: Wiring<'_>) {
        self.crossing.sync(self.reacton, wiring);
    }

    pub(crate) fn pack(
        &self,
        wiring: Wiring<'_>,
        moment: Moment,
        panics: &mut FirstPanic,
    ) -> Result<Payload, LinkError> {
        self.crossing.pack(self.reacton, wiring, moment, panics)
    }

    /// Whether its values are known to equal themselves and to change by writes only, as numbers and texts do; or do not
    /// cross as bytes.
    pub(crate) fn is_plain(&self) -> bool {
        self.crossing.is_plain()
    }

    /// Whether the store holds a value that is compared, and does not equal itself.
    pub(crate) fn is_unequal_to_itself(&self, wiring: Wiring<'_>) -> bool {
        self.crossing.is_unequal_to_itself(self.reacton, wiring)
    }

    /// Whether the store holds another value than the one that was encoded as `bytes`; `false` if that cannot be
    /// determined.
    pub(crate) fn differs_from(&self, wiring: Wiring<'_>, bytes: &[u8]) -> bool {
        self.crossing.differs_from(self.reacton, wiring, bytes)
    }

    /// Installs the value in `payload`; an error if there is none in it, and then nothing has changed.
    ///
    /// What is installed stays so if the comparison or the `Drop` of the value before it panics: that goes to `panics`.
    pub(crate) fn install(
        &self,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Result<(), LinkError> {
        self.crossing.install(self.reacton, wiring, payload, announced, panics)
    }

    /// The value in `payload`, an `Incoming` of the type of the reacton's values; `None` if there is none in it.
    pub(crate) fn decode(&self, payload: &Payload) -> Option<Box<dyn Any>> {
        self.crossing.decode(payload)
    }

    /// Encodes the committed value, if it is a scalar: then no user code runs.
    #[inline]
    pub(crate) fn encode_scalar(&self, wiring: Wiring<'_>) -> Option<Encoded> {
        self.crossing.encode_scalar(self.reacton, wiring)
    }

    /// Installs the value in `bytes`, if it is a scalar: then no user code runs. Returns whether it did.
    #[inline]
    pub(crate) fn install_scalar(&self, wiring: Wiring<'_>, bytes: &[u8], announced: bool) -> bool {
        self.crossing.install_scalar(self.reacton, wiring, bytes, announced)
    }

    /// Decodes the value in `payload`, to be installed together with others; an error if there is none in it.
    pub(crate) fn prepare(
        &self,
        wiring: Wiring<'_>,
        payload: &Payload,
    ) -> Result<Box<dyn Prepared>, LinkError> {
        self.crossing.prepare(self.reacton, wiring, payload)
    }
}

impl fmt::Debug for SharedSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Both => "",
            Direction::In => "in ",
            Direction::Out => "out ",
        };
        write!(f, "{direction}{} ({:?})", self.rref, self.form())
    }
}

/// The reactons that one isolate shares with the store that spawned it: made by `shared![..]` or by a worker's
/// `shared()`.
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

    #[doc(hidden)]
    pub fn slots(&self) -> &[SharedSlot] {
        &self.slots
    }

    /// The ids of those that are shared in this direction.
    pub(crate) fn in_direction(&self, direction: Direction) -> impl Iterator<Item = RefId> {
        let slots = self.slots.iter().filter(move |slot| slot.direction == direction);
        slots.map(|slot| slot.rref.id())
    }

    pub(crate) fn by_id(&self) -> RefMap<SharedSlot> {
        self.slots.iter().map(|slot| (slot.reacton_ref().id(), *slot)).collect()
    }

    /// The first of `others` that is not in it.
    pub(crate) fn first_missing(&self, others: &Self) -> Option<ReactonRef> {
        let own = self.by_id();
        others.refs().find(|other| !own.contains_key(&other.id()))
    }

    /// The same set, with values that cross as bytes.
    ///
    /// # Errors
    /// The first reacton whose values cannot.
    #[cfg(feature = "process")]
    pub(crate) fn over_bytes(&self) -> Result<Self, &'static str> {
        let slots = self.slots.iter();
        let slots = slots.map(|slot| slot.over_bytes().ok_or(slot.rref.name()));
        Ok(Self { slots: slots.collect::<Result<_, _>>()? })
    }

    /// The first two of one id, if there are any.
    pub(crate) fn duplicate(&self) -> Option<(ReactonRef, ReactonRef)> {
        let mut seen = RefMap::default();
        self.refs().find_map(|rref| seen.insert(rref.id(), rref).map(|first| (first, rref)))
    }
}

impl<const N: usize> From<[SharedSlot; N]> for SharedSet {
    fn from(slots: [SharedSlot; N]) -> Self {
        Self { slots: slots.into() }
    }
}

impl From<&[SharedSlot]> for SharedSet {
    fn from(slots: &[SharedSlot]) -> Self {
        Self { slots: slots.into() }
    }
}

/// All of them together, in order. What is in two of them is refused when an isolate is spawned.
impl FromIterator<SharedSet> for SharedSet {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        Self { slots: sets.into_iter().flat_map(|set| set.slots).collect() }
    }
}

/// For the tests of this crate, which knows no attributes: the facade's `shared!` says more of a wrong list.
#[cfg(test)]
macro_rules! shared {
    ($($reacton:path),+ $(,)?) => {
        $crate::SharedSet::from([$($crate::SharedSlot::of(&$reacton)),+])
    };
}

#[cfg(test)]
pub(crate) use shared;
