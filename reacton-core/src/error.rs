//! What can go wrong while a store waits, and while another thread waits for a store.

/// Why [`ReactonStore::run_until`](crate::ReactonStore::run_until) returned an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The condition did not hold before the timeout.
    #[error(
        "the condition did not hold within the timeout; wait longer, look at the status of the isolates, or see whether the worker lists in `shared` what is waited for"
    )]
    TimedOut,
    /// The condition does not hold, and nothing can arrive any more that could change this.
    #[error(
        "nothing can arrive any more: no living isolate and no store handle is left; look at the status of the isolates"
    )]
    Disconnected,
    /// It was called inside a batch, a computed or an observer, where a turn applies nothing.
    #[error(
        "a store cannot wait inside a batch, a computed or an observer; wait after it has ended"
    )]
    Nested,
}

/// Why a [`Reply`](crate::Reply) has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// The store ended before it executed the call.
    #[error(
        "the store has ended and takes nothing in any more; end what uses its handles before the store"
    )]
    Closed,
    /// The store must not write this reacton: its direction in a shared list allows only the other side to write it.
    #[error(
        "`{reacton}` is not written in this store: it is shared in one direction, `in` or `out`, and the other side writes it;          write it there, or remove the direction from the shared list"
    )]
    #[non_exhaustive]
    Refused {
        /// The reacton.
        reacton: &'static str,
    },
    /// The call panicked on the store's thread, or an observer of its writes did, or a computed that it read. Its
    /// writes stay. The panic is also resumed in the caller of the turn.
    #[error(
        "what was sent to the store panicked there, or an observer of what it wrote; the panic reaches the store's thread"
    )]
    Panicked,
}
