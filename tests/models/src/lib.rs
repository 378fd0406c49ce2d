//! The inbox of reacton-core in every schedule of a few threads, by [loom](https://docs.rs/loom).
//!
//! The files of `reacton-core/src/inbox` are compiled here with the atomics, locks and channel of the checker (`inbox/sync.rs`).
//! Each function of [`models`] is one model: loom runs it once for each order in which its threads can take their steps, and for each
//! value that a weak memory lets them read. A thread that is never woken is a deadlock, which loom reports.

#![forbid(unsafe_code)]
#![expect(
    dead_code,
    unreachable_pub,
    reason = "the files are those of another crate, which uses and exports more"
)]

mod inbox;
pub mod models;

/// As in reacton-core.
mod backlog {
    pub(crate) use reacton_core::Backlog;
}

/// As in reacton-core.
mod panics {
    pub(crate) use reacton_core::panics::{FirstPanic, contained, wake};
}
