//! Turns: the items that other threads send, and when they are applied.

pub(crate) mod changes;
pub(crate) mod handle;
pub(crate) mod nesting;
pub(crate) mod net_changes;
pub(crate) mod pump;
pub(crate) mod remote;
pub(crate) mod reply;
pub(crate) mod stale;
pub(crate) mod turn;
pub(crate) mod wait;
