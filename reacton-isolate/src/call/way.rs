//! How a question or an answer is sent: serialized, or by reference count.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use reacton_core::panics::contained;
use reacton_core::wiring::Incoming;
use reacton_core::{Copied, ZeroCopy};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::codec;
use crate::wire::value::Payload;

/// What a call carries as a serialized copy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be carried by a call: it is not serializable",
    label = "this call carries `{Self}`, which lacks `serde::Serialize`, `serde::Deserialize` or both",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}` and to what it holds",
    note = "to hand the value over by reference count instead, without serde, write `#[call(zero_copy)]`",
    note = "serde has nothing for an array of more than 32 elements, an `Instant`, a trait object or a `Box<dyn Error>`: carry a `Vec`, \
            a `SystemTime` or `Duration`, an enum, a `String`"
)]
#[doc(hidden)]
pub trait Carried: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Carried for T {}

/// What a call carries by reference count.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be carried by a `zero_copy` call: it is not `Send + Sync`",
    label = "this call carries `{Self}`, which is not `Send + Sync`",
    note = "hold an `Arc` for an `Rc`, and a `Mutex` or an atomic for a `Cell`, or remove `zero_copy` so that it crosses as a serialized copy"
)]
#[doc(hidden)]
pub trait Counted: Send + Sync {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync> Counted for T {}

/// How values of one type cross, in one direction of a call.
#[doc(hidden)]
pub struct CallWay<T> {
    pack: fn(T) -> Result<Payload, String>,
    unpack: fn(&Payload) -> Result<Incoming<T>, String>,
    counted: bool,
}

impl<T> Clone for CallWay<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CallWay<T> {}

impl<T> CallWay<T> {
    /// As serialized copies.
    #[must_use]
    pub const fn copied() -> Self
    where
        T: Carried + Send + 'static,
    {
        Self { pack: encode::<T>, unpack: decode::<T>, counted: false }
    }

    /// By reference count.
    #[must_use]
    pub const fn counted() -> Self
    where
        T: Counted + 'static,
    {
        Self { pack: count::<T>, unpack: counted::<T>, counted: true }
    }

    /// Of a declaration that does not compile: never called.
    #[must_use]
    pub const fn none() -> Self {
        Self { pack: |_| unreachable!(), unpack: |_| unreachable!(), counted: false }
    }

    pub(super) const fn is_counted(&self) -> bool {
        self.counted
    }

    pub(crate) fn pack(self, value: T) -> Result<Payload, String> {
        (self.pack)(value)
    }

    pub(crate) fn unpack(self, payload: &Payload) -> Result<Incoming<T>, String> {
        (self.unpack)(payload)
    }

    /// The value, if nothing else holds it.
    pub(crate) fn unpack_whole(self, payload: Payload) -> Result<T, String> {
        let value = (self.unpack)(&payload)?;
        drop(payload);
        match value {
            Incoming::Owned(value) => Ok(value),
            Incoming::Shared(value) => {
                Arc::into_inner(value).ok_or_else(|| String::from("another thread still holds it"))
            }
        }
    }
}

fn encode<T: Carried + 'static>(value: T) -> Result<Payload, String> {
    let bytes = codec::encode(&value);
    contained(|| drop(value));
    bytes.map(Payload::Bytes)
}

fn decode<T: Carried + 'static>(payload: &Payload) -> Result<Incoming<T>, String> {
    match payload {
        Payload::Bytes(bytes) => codec::decode(bytes).map(Incoming::Owned),
        Payload::Counted(_) | Payload::Edits(_) => Err(wrong_form()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as a function that encodes")]
fn count<T: Counted + 'static>(value: T) -> Result<Payload, String> {
    Ok(Payload::Counted(Arc::new(value)))
}

fn counted<T: Counted + 'static>(payload: &Payload) -> Result<Incoming<T>, String> {
    match payload {
        Payload::Counted(value) => {
            let value: Arc<dyn Any + Send + Sync> = Arc::clone(value);
            value.downcast().map(Incoming::Shared).map_err(|_| wrong_form())
        }
        Payload::Bytes(_) | Payload::Edits(_) => Err(wrong_form()),
    }
}

fn wrong_form() -> String {
    String::from(
        "the two sides declare it differently: give one of two calls with one id another `id`",
    )
}

impl<T> fmt::Debug for CallWay<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallWay")
    }
}

/// The mode of a call, as far as it decides what an async answer is given.
#[doc(hidden)]
pub trait CallMode: 'static {
    /// The question: a value, or, with `zero_copy`, a count of it.
    type Question<Q: 'static>: Borrow<Q> + 'static;
    fn question<Q: 'static>(value: Incoming<Q>) -> Option<Self::Question<Q>>;
}

impl CallMode for Copied {
    type Question<Q: 'static> = Q;

    fn question<Q: 'static>(value: Incoming<Q>) -> Option<Q> {
        match value {
            Incoming::Owned(value) => Some(value),
            Incoming::Shared(_) => None,
        }
    }
}

impl CallMode for ZeroCopy {
    type Question<Q: 'static> = Arc<Q>;

    fn question<Q: 'static>(value: Incoming<Q>) -> Option<Arc<Q>> {
        match value {
            Incoming::Owned(value) => Some(Arc::new(value)),
            Incoming::Shared(value) => Some(value),
        }
    }
}
