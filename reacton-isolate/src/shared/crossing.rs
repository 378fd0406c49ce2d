//! How the values of one reacton cross a link: as bytes, or by reference count.

use std::any::{Any, TypeId, type_name};
use std::marker::PhantomData;
use std::sync::Arc;

use reacton_core::wiring::{Incoming, Moment, Prepared, Role, Wiring};
use reacton_core::{FirstPanic, Held, Reacton};

use super::merging::EntryCrossing;
#[cfg(feature = "process")]
use super::probe::bytes_crossing;
use super::{Handable, Portable};
use crate::error::LinkError;
use crate::wire::codec;
use crate::wire::value::{Encoded, Payload};

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
    /// As [`SharedSlot::shape`](super::SharedSlot::shape).
    fn shape(&self) -> Option<String>;
    /// How they cross as bytes, where the declaration knows that.
    #[cfg(feature = "process")]
    fn bytes(&self, reacton: &'static dyn Any) -> Option<&'static dyn Crossing>;
    /// From now on writes to it are reported to the hub.
    fn sync(&self, reacton: &'static dyn Any, wiring: Wiring<'_>);
    fn pack(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        moment: Moment,
        panics: &mut FirstPanic,
    ) -> Result<Payload, LinkError>;
    fn install(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Result<(), LinkError>;
    /// As [`SharedSlot::decode`](super::SharedSlot::decode). The bodies here, and below, are those of a value of entries.
    fn decode(&self, _: &Payload) -> Option<Box<dyn Any>> {
        None
    }
    /// As [`SharedSlot::check`](super::SharedSlot::check).
    fn check(&self, _: &Payload) -> Result<(), String> {
        Err(wrong_form())
    }
    /// As [`SharedSlot::prepare`](super::SharedSlot::prepare).
    fn prepare(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
    ) -> Result<Box<dyn Prepared>, LinkError>;
    /// As [`SharedSlot::encode_scalar`](super::SharedSlot::encode_scalar).
    fn encode_scalar(&self, _: &'static dyn Any, _: Wiring<'_>) -> Option<Encoded> {
        None
    }
    /// As [`SharedSlot::install_scalar`](super::SharedSlot::install_scalar).
    fn install_scalar(&self, _: &'static dyn Any, _: Wiring<'_>, _: &[u8], _: bool) -> bool {
        false
    }
    /// As [`SharedSlot::is_plain`](super::SharedSlot::is_plain).
    fn is_plain(&self) -> bool {
        true
    }
    /// As [`SharedSlot::is_unequal_to_itself`](super::SharedSlot::is_unequal_to_itself).
    fn is_unequal_to_itself(&self, _: &'static dyn Any, _: Wiring<'_>) -> bool {
        false
    }
    /// As [`SharedSlot::differs_from`](super::SharedSlot::differs_from).
    fn differs_from(&self, _: &'static dyn Any, _: Wiring<'_>, _: &[u8]) -> bool {
        false
    }
    /// How the entries of a value cross that is made of them.
    fn entries(&self) -> Option<&dyn EntryCrossing> {
        None
    }
}

/// Whether values of this type are equal to themselves and change only by writes.
fn is_plain<T: 'static>() -> bool {
    macro_rules! plain {
        ($($plain:ty)*) => {
            [$(TypeId::of::<$plain>(), TypeId::of::<Option<$plain>>(), TypeId::of::<Vec<$plain>>()),*]
        };
    }
    // A single float counts as equal to itself even if it is NaN: see `Comparable`.
    let floats = [
        TypeId::of::<f32>(),
        TypeId::of::<f64>(),
        TypeId::of::<Option<f32>>(),
        TypeId::of::<Option<f64>>(),
    ];
    let others = plain!(bool char u8 u16 u32 u64 usize i8 i16 i32 i64 isize String Vec<u8>);
    floats.contains(&TypeId::of::<T>()) || others.contains(&TypeId::of::<T>())
}

/// What differs between the forms in which values cross.
pub(super) trait Encoding<T: 'static>: 'static {
    const FORM: Form;

    /// The shape of the type, where values are encoded.
    fn shape() -> Option<String> {
        None
    }

    fn pack<M>(
        reacton: &Reacton<T, M>,
        wiring: Wiring<'_>,
        held: &Held<T>,
    ) -> Result<Payload, LinkError>;

    /// The value in `payload`, or why there is none.
    fn unpack(payload: &Payload) -> Result<Incoming<T>, String>;

    /// The value that was encoded as `bytes`, where values are.
    fn decode(bytes: &[u8]) -> Option<T>;

    /// Encodes a scalar, where values are encoded.
    fn encode_scalar(_: &T) -> Option<Encoded> {
        None
    }

    /// Decodes a scalar, where values are encoded.
    fn decode_scalar(_: &[u8]) -> Option<T> {
        None
    }
}

/// How the values of a `Reacton<T, M>` cross in the encoding `E`.
pub(super) struct Across<T, M, E> {
    of: PhantomData<fn() -> (T, M)>,
    encoding: PhantomData<fn() -> E>,
}

impl<T, M, E> Across<T, M, E> {
    pub(super) const NEW: Self = Self { of: PhantomData, encoding: PhantomData };
}

fn typed<T: 'static, M: 'static>(reacton: &'static dyn Any) -> &'static Reacton<T, M> {
    reacton.downcast_ref().expect("the slot was made for this type")
}

fn unpacked<T: 'static, M, E: Encoding<T>>(
    reacton: &Reacton<T, M>,
    payload: &Payload,
) -> Result<Incoming<T>, LinkError> {
    E::unpack(payload)
        .map_err(|reason| LinkError::Decode { reacton: reacton.name().into(), reason })
}

impl<T: 'static, M: 'static, E: Encoding<T>> Crossing for Across<T, M, E> {
    fn form(&self) -> Form {
        E::FORM
    }

    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn shape(&self) -> Option<String> {
        E::shape()
    }

    #[cfg(feature = "process")]
    fn bytes(&self, reacton: &'static dyn Any) -> Option<&'static dyn Crossing> {
        bytes_crossing(typed::<T, M>(reacton))
    }

    fn sync(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) {
        wiring.watch(typed::<T, M>(reacton), Role::Links);
    }

    fn pack(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        moment: Moment,
        panics: &mut FirstPanic,
    ) -> Result<Payload, LinkError> {
        let reacton = typed::<T, M>(reacton);
        let Some(held) = wiring.held(reacton, moment) else {
            return Err(LinkError::uncommitted(reacton.name()));
        };
        let packed = E::pack(reacton, wiring, &held);
        // This may be the last handle of a value that was replaced meanwhile.
        panics.guard(|| drop(held));
        packed
    }

    fn install(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Result<(), LinkError> {
        let reacton = typed::<T, M>(reacton);
        let value = unpacked::<T, M, E>(reacton, payload)?;
        wiring.install(reacton, value, announced, panics);
        Ok(())
    }

    fn prepare(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        payload: &Payload,
    ) -> Result<Box<dyn Prepared>, LinkError> {
        let reacton = typed::<T, M>(reacton);
        let value = unpacked::<T, M, E>(reacton, payload)?;
        Ok(wiring.prepare(reacton, value))
    }

    fn decode(&self, payload: &Payload) -> Option<Box<dyn Any>> {
        let incoming = E::unpack(payload).ok()?;
        Some(Box::new(incoming))
    }

    fn check(&self, payload: &Payload) -> Result<(), String> {
        // The value is dropped again, which may panic.
        codec::guarded(|| E::unpack(payload).map(drop))
    }

    fn encode_scalar(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) -> Option<Encoded> {
        wiring.scalar(typed::<T, M>(reacton), E::encode_scalar)
    }

    fn install_scalar(
        &self,
        reacton: &'static dyn Any,
        wiring: Wiring<'_>,
        bytes: &[u8],
        announced: bool,
    ) -> bool {
        E::decode_scalar(bytes)
            .is_some_and(|value| wiring.install_scalar(typed::<T, M>(reacton), &value, announced))
    }

    fn is_plain(&self) -> bool {
        E::FORM != Form::Bytes || is_plain::<T>()
    }

    fn is_unequal_to_itself(&self, reacton: &'static dyn Any, wiring: Wiring<'_>) -> bool {
        let reacton = typed::<T, M>(reacton);
        let unequal = || {
            let held = wiring.held(reacton, Moment::Now);
            Ok(held.is_some_and(|held| Wiring::same(reacton, &held, &held) == Some(false)))
        };
        codec::guarded(unequal) == Ok(true)
    }

    fn differs_from(&self, reacton: &'static dyn Any, wiring: Wiring<'_>, bytes: &[u8]) -> bool {
        let reacton = typed::<T, M>(reacton);
        // A panic, such as in the `Drop` of the decoded value, counts as no difference.
        let differs = || {
            let (known, held) = (E::decode(bytes), wiring.held(reacton, Moment::Now));
            Ok(known.zip(held).is_some_and(|(known, held)| is_other(reacton, &held, &known)))
        };
        codec::guarded(differs) == Ok(true)
    }
}

/// Whether the two values differ for `reacton`. `false` if they are not compared, or a value is not equal to itself,
/// such as a list with a NaN.
fn is_other<T: 'static, M>(reacton: &Reacton<T, M>, value: &T, other: &T) -> bool {
    let is_other = || {
        Ok(Wiring::same(reacton, value, other) == Some(false)
            && Wiring::same(reacton, value, value) == Some(true))
    };
    // If the comparison panics, the values count as equal.
    codec::guarded(is_other) == Ok(true)
}

fn unencoded<T, M>(reacton: &Reacton<T, M>, reason: String) -> LinkError {
    LinkError::Encode { reacton: reacton.name().into(), reason }
}

pub(super) fn wrong_form() -> String {
    String::from("it came in a form that this side does not share it in")
}

/// Serialized.
pub(super) enum Serialized {}

impl<T: Portable> Encoding<T> for Serialized {
    const FORM: Form = Form::Bytes;

    fn shape() -> Option<String> {
        codec::shape::<T>()
    }

    fn pack<M>(
        reacton: &Reacton<T, M>,
        _: Wiring<'_>,
        held: &Held<T>,
    ) -> Result<Payload, LinkError> {
        let bytes = codec::encode::<T>(held).map_err(|reason| unencoded(reacton, reason))?;
        if cfg!(debug_assertions) {
            check_return(reacton, held, &bytes)?;
        }
        Ok(Payload::Bytes(bytes))
    }

    fn unpack(payload: &Payload) -> Result<Incoming<T>, String> {
        match payload {
            Payload::Bytes(bytes) => codec::decode(bytes).map(Incoming::Owned),
            Payload::Counted(_) | Payload::Edits(_) => Err(wrong_form()),
        }
    }

    fn decode(bytes: &[u8]) -> Option<T> {
        codec::decode(bytes).ok()
    }

    #[inline]
    fn encode_scalar(value: &T) -> Option<Encoded> {
        codec::encode_scalar(value)
    }

    #[inline]
    fn decode_scalar(bytes: &[u8]) -> Option<T> {
        codec::decode_scalar(bytes)
    }
}

/// Checks that a value is the same after encoding and decoding. A value that is not equal to itself is not checked, nor
/// is one under `eq = never`.
fn check_return<T: Portable, M>(
    reacton: &Reacton<T, M>,
    value: &T,
    bytes: &[u8],
) -> Result<(), LinkError> {
    let back = codec::decode::<T>(bytes)
        .map_err(|reason| LinkError::Decode { reacton: reacton.name().into(), reason })?;
    if is_other(reacton, value, &back) {
        let remedy = codec::wide_number_remedy(bytes);
        return Err(LinkError::Lossy {
            reacton: reacton.name().into(),
            type_name: type_name::<T>().into(),
            remedy,
        });
    }
    Ok(())
}

/// By reference count; the reacton is declared so, and its values are counted from the beginning.
pub(super) enum Shared {}

impl<T: Send + Sync + 'static> Encoding<T> for Shared {
    const FORM: Form = Form::Counted;

    fn pack<M>(
        reacton: &Reacton<T, M>,
        _: Wiring<'_>,
        held: &Held<T>,
    ) -> Result<Payload, LinkError> {
        match held.arc() {
            Some(value) => Ok(Payload::Counted(Arc::<T>::clone(value))),
            None => Err(unencoded(reacton, String::from("the store holds no counted value of it"))),
        }
    }

    fn unpack(payload: &Payload) -> Result<Incoming<T>, String> {
        match payload {
            Payload::Counted(value) => {
                Arc::clone(value).downcast().map(Incoming::Shared).map_err(|_| wrong_form())
            }
            Payload::Bytes(_) | Payload::Edits(_) => Err(wrong_form()),
        }
    }

    fn decode(_: &[u8]) -> Option<T> {
        None
    }
}

/// By reference count because the worker says so. The store keeps the values counted from the first time that one
/// is handed over; that one is cloned.
pub(super) enum SharedOnDemand {}

impl<T: Handable> Encoding<T> for SharedOnDemand {
    const FORM: Form = Form::Counted;

    fn pack<M>(
        reacton: &Reacton<T, M>,
        wiring: Wiring<'_>,
        held: &Held<T>,
    ) -> Result<Payload, LinkError> {
        let counted: Result<Arc<T>, _> = codec::guarded(|| Ok(wiring.shared_value(reacton, held)));
        match counted {
            Ok(value) => Ok(Payload::Counted(value)),
            Err(reason) => Err(unencoded(reacton, reason)),
        }
    }

    fn unpack(payload: &Payload) -> Result<Incoming<T>, String> {
        Shared::unpack(payload)
    }

    fn decode(_: &[u8]) -> Option<T> {
        None
    }
}
