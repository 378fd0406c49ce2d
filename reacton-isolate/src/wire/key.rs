//! The keys of families: the hash of a key, which is the same in every build, and the equality of keys.
//!
//! The hash alone decides nothing: keys with the same hash are compared. But equal keys must have equal hashes, so the
//! hash does not depend on the order in which a set or a map lists its elements, nor on the sign of a zero.

mod hasher;
mod sip;

use std::fmt;
use std::marker::PhantomData;

use reacton_core::Keys;
use serde::Serialize;

use self::hasher::{Hasher, Refused};
use self::sip::Sip;

/// A requirement for the key of a family's member: it is serializable.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a family: it is not serializable",
    label = "the ref of a member is a hash of its serialized key, so that it is the same everywhere",
    note = "add `#[derive(serde::Serialize)]` to `{Self}`"
)]
pub trait Key: Serialize {}

#[diagnostic::do_not_recommend]
impl<K: Serialize> Key for K {}

/// A further requirement for the key of a family's member: it is `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a family: it is not `Clone`",
    label = "a member has its key, and each store that holds the member has it too",
    note = "add `#[derive(Clone)]` to `{Self}`"
)]
pub trait KeptKey: Clone + 'static {}

#[diagnostic::do_not_recommend]
impl<K: Clone + 'static> KeptKey for K {}

/// A further requirement: it has `PartialEq`. Two keys are one member if they are equal and serialize alike.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a family: it has no `PartialEq`",
    label = "two keys are one member exactly if they are equal",
    note = "add `#[derive(PartialEq)]` to `{Self}`"
)]
pub trait ComparedKey: PartialEq {}

#[diagnostic::do_not_recommend]
impl<K: PartialEq> ComparedKey for K {}

/// Returns how the keys of a family are hashed and compared.
#[doc(hidden)]
#[must_use]
pub const fn keys<K: Key + KeptKey + ComparedKey>() -> Keys<K> {
    Keys::new(hash::<K>, same::<K>)
}

/// Shows a key in a message, if the key is `Debug`.
#[doc(hidden)]
#[derive(Debug)]
pub struct KeyText<K>(PhantomData<fn(&K)>);

impl<K: fmt::Debug> KeyText<K> {
    /// Takes precedence over that of [`KeyWithoutDebug`], because the compiler prefers inherent items.
    pub const SHOW: Option<fn(&K) -> String> = Some(|key| format!("{key:?}"));
}

/// A key that is not `Debug` is not shown in messages.
#[doc(hidden)]
pub trait KeyWithoutDebug<K> {
    const SHOW: Option<fn(&K) -> String> = None;
}

impl<K> KeyWithoutDebug<K> for KeyText<K> {}

/// Returns the hash of the serialized form of a key, which is the same in every thread, process and build.
///
/// # Panics
/// If the key does not serialize.
fn hash<K: Serialize>(key: &K) -> u64 {
    match digest(key, Sip::new()) {
        Ok(hash) => hash,
        Err(Refused(reason)) => panic!("a key of a family does not serialize: {reason}"),
    }
}

fn digest<K: Serialize>(key: &K, mut sip: Sip) -> Result<u64, Refused> {
    key.serialize(Hasher::new(&mut sip))?;
    Ok(sip.finish())
}

/// Whether two keys name the same member. A key that does not equal itself, such as one that contains a NaN, is
/// compared by two hashes of its serialized form, because these are equal for all NaNs and for each order of a set or a
/// map.
fn same<K: PartialEq + Serialize + 'static>(one: &K, other: &K) -> bool {
    #[expect(clippy::eq_op, reason = "a NaN does not equal itself")]
    let is_itself = |key: &K| key == key;
    one == other
        || (!is_itself(one)
            && !is_itself(other)
            && [0, 1].into_iter().all(|seed| {
                let of = |key: &K| digest(key, Sip::seeded(seed));
                matches!((of(one), of(other)), (Ok(one), Ok(other)) if one == other)
            }))
}

#[cfg(test)]
mod tests;
