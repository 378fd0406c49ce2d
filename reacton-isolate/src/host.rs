//! Where workers run: threads, and the simulation's place of them.

pub(crate) mod actor;
pub(crate) mod random;
pub(crate) mod signal;
pub(crate) mod threads;
pub(crate) mod task_threads;
pub(crate) mod timer;
