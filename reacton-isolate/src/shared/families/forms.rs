//! The forms in which the values of members are sent: serialized, or by reference count.

use std::any::type_name;
use std::sync::Arc;

use reacton_core::wiring::{Incoming, SharedMember, Wiring};
use reacton_core::{Family, Held};

use super::{MemberKey, named};
use crate::error::LinkError;
use crate::shared::crossing::{Form, wrong_form};
use crate::shared::{Handable, Portable};
use crate::wire::codec;
use crate::wire::edits::RecordBody;

/// A form in which values of the type `T` are sent.
pub(crate) trait MemberForm<T: 'static>: 'static {
    const FORM: Form;

    /// The shape of a value, if values are serialized.
    fn shape() -> Option<String>;

    fn pack<K: MemberKey>(
        family: &Family<K, T>,
        wiring: Wiring<'_>,
        member: &SharedMember<K, T>,
        held: &Held<T>,
    ) -> Result<RecordBody, LinkError>;

    /// Returns the value in a record, or the reason why there is none.
    fn unpack(body: &RecordBody) -> Result<Incoming<T>, String>;

    /// A copy of a value, if values are sent by reference count.
    fn copy(_: &T) -> Option<T> {
        None
    }

    /// Converts a value that another form has packed to this form. `member` finds the member, which has the same value.
    fn convert<K: MemberKey>(
        family: &Family<K, T>,
        wiring: Wiring<'_>,
        body: &RecordBody,
        member: impl FnOnce() -> Result<Option<SharedMember<K, T>>, String>,
    ) -> Result<RecordBody, String>;
}

/// Values are serialized.
pub(crate) enum InBytes {}

impl<T: Portable> MemberForm<T> for InBytes {
    const FORM: Form = Form::Bytes;

    fn shape() -> Option<String> {
        codec::shape::<T>()
    }

    fn pack<K: MemberKey>(
        family: &Family<K, T>,
        _: Wiring<'_>,
        _: &SharedMember<K, T>,
        held: &Held<T>,
    ) -> Result<RecordBody, LinkError> {
        let bytes = codec::encode::<T>(held).map_err(|reason| named(family, reason))?;
        if cfg!(debug_assertions) {
            check_return(family, held, &bytes)?;
        }
        Ok(RecordBody::Bytes(bytes))
    }

    fn unpack(body: &RecordBody) -> Result<Incoming<T>, String> {
        match body {
            RecordBody::Bytes(bytes) => codec::decode(bytes).map(Incoming::Owned),
            RecordBody::Removed | RecordBody::Counted(_) => Err(wrong_form()),
        }
    }

    fn convert<K: MemberKey>(
        _: &Family<K, T>,
        _: Wiring<'_>,
        body: &RecordBody,
        _: impl FnOnce() -> Result<Option<SharedMember<K, T>>, String>,
    ) -> Result<RecordBody, String> {
        match body {
            RecordBody::Counted(value) => {
                let value = value.downcast_ref::<T>().ok_or_else(wrong_form)?;
                codec::encode(value).map(RecordBody::Bytes)
            }
            body => Ok(body.clone()),
        }
    }
}

/// Checks that a value is the same after encoding and decoding, as far as the family compares values.
fn check_return<K, T: Portable>(
    family: &Family<K, T>,
    value: &T,
    bytes: &[u8],
) -> Result<(), LinkError> {
    let reacton = || family.name().into();
    let back = codec::decode::<T>(bytes)
        .map_err(|reason| LinkError::Decode { reacton: reacton(), reason })?;
    // If the comparison panics, the values count as equal.
    let is_other = || {
        Ok(Wiring::same_in_family(family, value, &back) == Some(false)
            && Wiring::same_in_family(family, value, value) == Some(true))
    };
    if codec::guarded(is_other) != Ok(true) {
        return Ok(());
    }
    Err(LinkError::Lossy {
        reacton: reacton(),
        type_name: type_name::<T>().into(),
        remedy: codec::wide_number_remedy(bytes),
    })
}

/// By reference count, because the worker says so. A store keeps a value counted from the first time that it is handed over; that one is
/// cloned.
pub(crate) enum Counted {}

impl<T: Handable> MemberForm<T> for Counted {
    const FORM: Form = Form::Counted;

    fn shape() -> Option<String> {
        None
    }

    fn pack<K: MemberKey>(
        family: &Family<K, T>,
        wiring: Wiring<'_>,
        member: &SharedMember<K, T>,
        held: &Held<T>,
    ) -> Result<RecordBody, LinkError> {
        let counted: Result<Arc<T>, _> =
            codec::guarded(|| Ok(wiring.shared_value_of(member, held)));
        match counted {
            Ok(value) => Ok(RecordBody::Counted(value)),
            Err(reason) => Err(named(family, reason)),
        }
    }

    fn copy(value: &T) -> Option<T> {
        Some(value.clone())
    }

    fn unpack(body: &RecordBody) -> Result<Incoming<T>, String> {
        match body {
            RecordBody::Counted(value) => {
                Arc::clone(value).downcast().map(Incoming::Shared).map_err(|_| wrong_form())
            }
            RecordBody::Removed | RecordBody::Bytes(_) => Err(wrong_form()),
        }
    }

    fn convert<K: MemberKey>(
        family: &Family<K, T>,
        wiring: Wiring<'_>,
        body: &RecordBody,
        member: impl FnOnce() -> Result<Option<SharedMember<K, T>>, String>,
    ) -> Result<RecordBody, String> {
        match body {
            // A value that came as bytes was decoded when it was installed.
            RecordBody::Bytes(_) => {
                let gone = || String::from("it is gone");
                let member = member()?.ok_or_else(gone)?;
                let held = member.committed().ok_or_else(gone)?;
                Self::pack(family, wiring, &member, held).map_err(|error| error.to_string())
            }
            body => Ok(body.clone()),
        }
    }
}
