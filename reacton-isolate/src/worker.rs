//! The worker's side: from the handshake to its last message.

#[cfg(feature = "process")]
pub(crate) mod away;
#[cfg(feature = "process")]
pub(crate) mod carrier;
pub(crate) mod drive;
#[cfg(feature = "process")]
pub(crate) mod exit;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod panics;
pub(crate) mod pending;
pub(crate) mod run;
pub(crate) mod runtime;
pub(crate) mod scope;
pub(crate) mod setup;
