//! Whether the values of a declaration cross as bytes, which only the place that knows its type can tell.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use reacton_core::wiring::{Incoming, Wiring};
use reacton_core::{Copied, Held, MergedByCount, Reacton, ZeroCopy};

use super::Portable;
use super::crossing::{Across, Crossing, Encoding, Form, Serialized};
use super::merging::{ByEntry, InBytes};
use super::modes::PortableEntries;
use crate::error::LinkError;
use crate::wire::codec;
use crate::wire::value::Payload;

/// How the values of a reacton cross as bytes, which its declaration knows if its type has serde.
#[cfg_attr(
    not(feature = "process"),
    expect(dead_code, reason = "each declaration has it, and only processes read it")
)]
struct BytesCrossing(&'static dyn Crossing);

/// What stands beside a declaration, if it says how values cross as bytes.
#[cfg(feature = "process")]
pub(super) fn bytes_crossing<T, M>(reacton: &Reacton<T, M>) -> Option<&'static dyn Crossing> {
    let beside: &dyn Any = reacton.__side()?;
    beside.downcast_ref().map(|BytesCrossing(crossing)| *crossing)
}

/// What a declaration asks of its type, whether values of it cross as bytes.
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<T, M>(PhantomData<fn() -> (T, M)>);

impl<T: Portable> Probe<T, Copied> {
    /// In place of that of [`NoBytes`], which the compiler looks at last.
    pub const BYTES: Option<&'static (dyn Any + Sync)> =
        Some(&BytesCrossing(&Across::<T, Copied, Serialized>::NEW));
}

impl<T: Portable + Sync> Probe<T, ZeroCopy> {
    /// As that of a reacton whose values are copied.
    pub const BYTES: Option<&'static (dyn Any + Sync)> =
        Some(&BytesCrossing(&Across::<T, ZeroCopy, SerializedShared>::NEW));
}

impl<T: PortableEntries> Probe<T, MergedByCount> {
    /// As that of a reacton whose values are copied.
    pub const BYTES: Option<&'static (dyn Any + Sync)> =
        Some(&BytesCrossing(&ByEntry::<T, MergedByCount, InBytes>::NEW));
}

/// What any other type answers: they do not.
#[doc(hidden)]
pub trait NoBytes {
    const BYTES: Option<&'static (dyn Any + Sync)> = None;
}

impl<T, M> NoBytes for Probe<T, M> {}

/// Serialized, though the reacton is declared as shared by reference count: to a store in another process.
pub(in crate::shared) enum SerializedShared {}

impl<T: Portable + Sync> Encoding<T> for SerializedShared {
    const FORM: Form = Form::Bytes;

    fn pack<M>(
        reacton: &Reacton<T, M>,
        wiring: Wiring<'_>,
        held: &Held<T>,
    ) -> Result<Payload, LinkError> {
        Serialized::pack(reacton, wiring, held)
    }

    fn unpack(payload: &Payload) -> Result<Incoming<T>, String> {
        match Serialized::unpack(payload)? {
            Incoming::Owned(value) => Ok(Incoming::Shared(Arc::new(value))),
            counted @ Incoming::Shared(_) => Ok(counted),
        }
    }

    fn decode(bytes: &[u8]) -> Option<T> {
        codec::decode(bytes).ok()
    }
}
