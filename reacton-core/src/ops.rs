//! The verbs of a store: read, write, commit, compute, observe, own, end, take a snapshot.

mod commit;
pub(crate) mod compute;
mod edit;
mod end;
pub(crate) mod incremental;
pub(crate) mod install;
mod lint;
mod merged;
mod notify;
pub(crate) mod observe;
pub(crate) mod ownership;
mod read;
mod release;
mod reset;
pub(crate) mod scope;
pub(crate) mod snapshot;
pub(crate) mod subscription;
pub(crate) mod write;
