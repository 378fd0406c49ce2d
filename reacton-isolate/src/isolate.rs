//! Isolates as main sees them: the handle, its status and statistics, restarts, and pools.

pub(crate) mod calls;
pub(crate) mod handle;
pub(crate) mod pool;
pub(crate) mod status;
pub(crate) mod supervise;
