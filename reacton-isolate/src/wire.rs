//! What is sent over a link: messages, values as bytes, and the keys of families.

pub(crate) mod change;
pub(crate) mod codec;
pub(crate) mod edits;
#[cfg(feature = "process")]
pub(crate) mod frame;
pub(crate) mod key;
pub(crate) mod message;
pub(crate) mod ticket;
pub(crate) mod value;
