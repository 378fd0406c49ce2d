//! Main's records of its isolates: status, statistics, restarts.

pub(crate) mod calls;
pub(crate) mod status;
pub(crate) mod supervise;
