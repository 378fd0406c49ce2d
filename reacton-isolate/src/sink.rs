//! A link whose far end is no store: for the crate that saves what a store holds, not for programs.
//!
//! [`Sink::open`] joins a sink to a store. From then on the hub packs each committed change for it, as for any link, and puts it into the
//! [`SinkQueue`], which composes them as `Delivery::Latest` does. A thread takes whole transactions out of the queue. What is in the file
//! already is applied by [`Sink::load`].

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::hub::sinks::{Sink, SinkEvents, Stored};
pub use crate::link::{SinkQueue, Taken};
pub use crate::shared::{LoadedEntries, Saves, Storable, Stores};
use crate::wire::codec;
use crate::wire::value::Encoded;

/// Encodes a value, as it crosses a link.
///
/// # Errors
/// If its `Serialize` returns an error, or panics.
pub fn encode<T: Serialize + 'static>(value: &T) -> Result<Encoded, String> {
    codec::encode(value)
}

/// Decodes a value.
///
/// # Errors
/// If the bytes are not exactly one value, or its `Deserialize` returns an error or panics.
pub fn decode<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, String> {
    codec::decode(bytes)
}

/// Runs user code of a value. A panic in it becomes an error.
///
/// # Errors
/// Those of `f`, and the message of a panic.
pub fn guarded<U>(f: impl FnOnce() -> Result<U, String>) -> Result<U, String> {
    codec::guarded(f)
}
