//! The worker's side of its life: from the handshake to its last message.

pub(crate) mod drive;
pub(crate) mod runtime;
pub(crate) mod panics;
pub(crate) mod pending;
pub(crate) mod scope;
