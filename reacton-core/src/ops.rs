//! The verbs of a store: write, edit, compute, observe, own, take a snapshot.

pub(crate) mod compute;
mod edit;
pub(crate) mod install;
pub(crate) mod lint;
pub(crate) mod observe;
pub(crate) mod ownership;
mod scalar;
pub(crate) mod snapshot;
pub(crate) mod write;
