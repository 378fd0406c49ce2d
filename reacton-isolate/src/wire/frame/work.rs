//! The frames about jobs and calls that a worker and the process that spawned it send to each other.

use reacton_core::RefId;

use crate::error::CallError;
use crate::wire::ticket::{Ticket, WorkKey};
use crate::wire::value::{Encoded, Payload};

/// From the worker.
#[derive(Debug)]
pub(crate) enum Report {
    /// It has finished the job of this number, unless that is 0, and asks for the next one.
    Ask { done: u64 },
    /// It begins a job or a call. Sent before any code of the program runs for it.
    Begun(WorkKey),
    /// It has finished the job of this number, and does not ask for the next one yet.
    Done(u64),
    /// It applies something other than a job, although it has asked for one.
    Busy,
    /// It is being shut down.
    Leaving,
    /// It shall end, and has nothing left to do.
    Resign,
    /// A call is answered.
    Answer(WorkKey, FarOutcome),
    /// The job is a call whose answer is continued by a future, and the worker does other jobs meanwhile.
    Later(u64),
    /// The answer of a call panics.
    Fault(WorkKey),
}

/// To the worker.
#[derive(Debug)]
pub(crate) enum Order {
    /// The transaction that follows is the job of this number.
    Job(u64),
    /// It shall answer a call.
    Call {
        key: WorkKey,
        /// Whether the answer is a message of the link, in order with transactions.
        by_link: bool,
        id: RefId,
        question: Encoded,
    },
    /// A call is cancelled.
    Cancel(WorkKey),
    /// It is no longer a member of its pool, and may end.
    Resigned,
}

/// The outcome of a call in another process.
pub(crate) type FarOutcome = Result<Encoded, FarError>;

/// Why a call has no answer, without the names, which the calling side knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FarError {
    /// The worker has caught the panic and continues.
    Panicked(String),
    NotAnswered,
    Encode(String),
    Decode(String),
    /// It was cancelled before it was begun.
    Cancelled,
}

impl FarError {
    /// Converts an error that a worker has made for a call.
    pub(crate) fn of(error: &CallError) -> Self {
        match error {
            CallError::NotAnswered { .. } => Self::NotAnswered,
            CallError::Encode { reason, .. } => Self::Encode(reason.clone()),
            CallError::Decode { reason, .. } => Self::Decode(reason.clone()),
            CallError::Panicked { message, .. } | CallError::Died { message, .. } => {
                Self::Panicked(message.clone())
            }
            _ => Self::Cancelled,
        }
    }

    /// Converts it to the error of this call.
    pub(crate) fn error(self, ticket: &Ticket) -> CallError {
        let call = ticket.call().name;
        match self {
            Self::Panicked(message) => {
                ticket.note_fault();
                ticket.death(message, None)
            }
            Self::NotAnswered => {
                CallError::NotAnswered { worker: ticket.worker().to_owned(), call }
            }
            Self::Encode(reason) => CallError::Encode { call, reason },
            Self::Decode(reason) => CallError::Decode { call, reason },
            Self::Cancelled => ticket.cancellation(),
        }
    }

    /// Its number in a frame, and its text.
    pub(super) fn parts(&self) -> (u64, &str) {
        match self {
            Self::Panicked(message) => (1, message),
            Self::NotAnswered => (2, ""),
            Self::Encode(reason) => (3, reason),
            Self::Decode(reason) => (4, reason),
            Self::Cancelled => (5, ""),
        }
    }

    pub(super) fn of_parts(kind: u64, text: String) -> Option<Self> {
        Some(match kind {
            1 => Self::Panicked(text),
            2 => Self::NotAnswered,
            3 => Self::Encode(text),
            4 => Self::Decode(text),
            5 => Self::Cancelled,
            _ => return None,
        })
    }
}

/// Converts an outcome for sending. A value that cannot be serialized is an error.
pub(crate) fn far_outcome(outcome: &Result<Payload, CallError>) -> FarOutcome {
    match outcome {
        Ok(Payload::Bytes(bytes)) => Ok(bytes.clone()),
        Ok(Payload::Counted(_) | Payload::Edits(_)) => {
            Err(FarError::Encode(String::from(NO_BYTES)))
        }
        Err(error) => Err(FarError::of(error)),
    }
}

/// Why a value of a `zero_copy` call cannot be sent.
pub(crate) const NO_BYTES: &str = "it is handed over by reference count, which no process can be";
