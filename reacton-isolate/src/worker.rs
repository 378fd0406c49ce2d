//! The worker's side: from the handshake to its last message.

#[cfg(feature = "process")]
pub(crate) mod away;
pub(crate) mod drive;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod panics;
pub(crate) mod pending;
pub(crate) mod run;
pub(crate) mod runtime;
pub(crate) mod scope;
pub(crate) mod setup;
