//! What a program calls to start something: a worker, a pool, a store thread, a task.

pub(crate) mod answering;
pub(crate) mod begin;
pub(crate) mod builder;
mod calls;
pub(crate) mod flush;
pub(crate) mod handle;
pub(crate) mod main_link;
mod owning;
pub(crate) mod pool;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "process")]
pub mod reach;
pub(crate) mod snapshot;
pub(crate) mod store_arg;
pub(crate) mod store_thread;
pub(crate) mod task;
pub(crate) mod worker;
