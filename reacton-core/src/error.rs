//! What can go wrong while a store waits.

/// Why [`ReactonStore::run_until`](crate::ReactonStore::run_until) gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The condition did not come to hold in time.
    #[error(
        "the condition did not hold within the timeout; wait longer, look at the status of the isolates, or see whether the worker lists in `shared` what is waited for"
    )]
    TimedOut,
    /// The condition does not hold, and nothing is left that could change that.
    #[error(
        "nothing can arrive any more: no living isolate and no store handle is left; look at the status of the isolates"
    )]
    Disconnected,
    /// A turn inside a batch, a computed or an observer would take in nothing.
    #[error(
        "a store cannot wait inside a batch, a computed or an observer; wait after it has ended"
    )]
    Nested,
}
