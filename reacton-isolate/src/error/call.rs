//! Why a call has no answer, and why a wait for the main store ended early.

use std::time::Duration;

use super::at;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The worker panicked on this call, and the call was not repeated.
    #[error(
        "`{worker}` panicked{} while it answered `{call}`: {message}; mend that, or allow `retries`", at(location.as_deref())
    )]
    #[non_exhaustive]
    Panicked {
        /// The call.
        call: &'static str,
        /// The worker's name.
        worker: String,
        /// The message of the panic.
        message: String,
        /// The place of the panic, as `file:line:column`, if the panic hook of this library was asked.
        location: Option<String>,
    },
    /// The worker ended before it answered, for another reason than this call, and the call was not repeated.
    #[error(
        "`{worker}` ended before it had answered `{call}`: {message}; a restart policy and `retries` give the call again"
    )]
    #[non_exhaustive]
    Died {
        /// The call.
        call: &'static str,
        /// The worker's name.
        worker: String,
        /// Why the worker ended.
        message: String,
    },
    /// The call was cancelled by [`Answer::cancel`](crate::Answer::cancel).
    #[error("`{call}` was cancelled; call again to get an answer")]
    #[non_exhaustive]
    Cancelled {
        /// The call.
        call: &'static str,
    },
    /// There was no answer in time. The call is cancelled.
    #[error(
        "`{worker}` did not answer `{call}` within {timeout:?}, and the call is cancelled; wait longer, or look at `is_cancelled` in \
         long answers"
    )]
    #[non_exhaustive]
    TimedOut {
        /// The call.
        call: &'static str,
        /// The worker's name.
        worker: String,
        /// The timeout.
        timeout: Duration,
    },
    /// The worker, or the store that spawned it, is disposed or was shut down.
    #[error(
        "`{worker}` was disposed or shut down, so `{call}` has no answer; keep its handle as long as it is called"
    )]
    #[non_exhaustive]
    Disposed {
        /// The call.
        call: &'static str,
        /// The worker's name.
        worker: String,
    },
    /// The worker does not answer this call.
    #[error(
        "`{worker}` does not answer `{call}`: add it to the worker's `answers = [..]`, and call `store.answer` for it before the \
         worker's first turn"
    )]
    #[non_exhaustive]
    NotAnswered {
        /// The worker's name.
        worker: String,
        /// The call.
        call: &'static str,
    },
    /// The question or the answer does not encode.
    #[error("a value of `{call}` does not encode: {reason}")]
    #[non_exhaustive]
    Encode {
        /// The call.
        call: &'static str,
        /// The message of the codec.
        reason: String,
    },
    /// The question or the answer does not decode.
    #[error(
        "a value of `{call}` does not decode: {reason}; its `Deserialize` must accept what its `Serialize` writes"
    )]
    #[non_exhaustive]
    Decode {
        /// The call.
        call: &'static str,
        /// The message of the codec.
        reason: String,
    },
    /// The limit of unanswered calls, [`in_flight`](crate::Caller::in_flight), is reached.
    #[error(
        "{in_flight} calls of `{call}` are unanswered, which is the limit of this caller: try again later, or use `call`, which waits"
    )]
    #[non_exhaustive]
    Busy {
        /// The call.
        call: &'static str,
        /// The limit.
        in_flight: usize,
    },
    /// It was waited for inside a batch, a computed or an observer, where nothing can arrive. The call is cancelled.
    #[error(
        "the answer of `{call}` cannot be waited for inside a batch, a computed or an observer: wait after that, or `await` it"
    )]
    #[non_exhaustive]
    Nested {
        /// The call.
        call: &'static str,
    },
    /// `join` was called on the thread of the store that spawned the worker, whose turns bring the answer. The call is
    /// cancelled.
    #[error(
        "the answer of `{call}` cannot be joined on the thread of its own store, which has to take turns: use `wait(&store, timeout)` \
         or `await` it"
    )]
    #[non_exhaustive]
    OwnThread {
        /// The call.
        call: &'static str,
    },
}

/// Why a wait for the main store ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// More messages than the limit were still queued after the timeout.
    #[error(
        "{queued} messages were still queued at the main store after {timeout:?}: wait longer, or let main take turns more often"
    )]
    #[non_exhaustive]
    TimedOut {
        /// The timeout.
        timeout: Duration,
        /// How many messages were queued then.
        queued: u64,
    },
    /// The worker must end: it was disposed, or its main store has ended.
    #[error("the main store does not receive anything from this worker any more: return")]
    Disposed,
}
