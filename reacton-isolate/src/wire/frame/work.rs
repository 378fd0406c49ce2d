//! What a worker and the process that spawned it say to each other about jobs and calls.

use reacton_core::RefId;

use crate::error::CallError;
use crate::wire::ticket::{Ticket, WorkKey};
use crate::wire::value::{Encoded, Payload};

/// From the worker.
#[derive(Debug)]
pub(crate) enum Report {
    /// It is done with the job of this number, unless that is 0, and looks for the next.
    Ask { done: u64 },
    /// It begins with a job, or to answer a call. Sent before any code of the program runs for it.
    Begun(WorkKey),
    /// It is done with the job of this number, and does not look for the next yet.
    Done(u64),
    /// It takes in something else than a job, though it has asked for one.
    Busy,
    /// It is being shut down.
    Leaving,
    /// It is to end, and has nothing to do.
    Resign,
    /// A call is answered.
    Answer(WorkKey, FarOutcome),
    /// The answer of this job, a call, goes on, and the worker does other jobs meanwhile.
    Later(u64),
    /// The answer of a call panics.
    Fault(WorkKey),
}

/// To the worker.
#[derive(Debug)]
pub(crate) enum Order {
    /// The transaction that follows is the job of this number.
    Job(u64),
    /// It is to answer a call.
    Call {
        key: WorkKey,
        /// The answer is a message of the link, in order with transactions.
        by_link: bool,
        id: RefId,
        question: Encoded,
    },
    /// A call is not waited for any more.
    Cancel(WorkKey),
    /// It is a member of its pool no longer, and may end.
    Resigned,
}

/// What becomes of a call in another process.
pub(crate) type FarOutcome = Result<Encoded, FarError>;

/// Why a call has no answer, without the names, which the side that asked knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FarError {
    /// The worker has caught the panic and goes on.
    Panicked(String),
    NotAnswered,
    Encode(String),
    Decode(String),
    /// It was cancelled before it was begun.
    Cancelled,
}

impl FarError {
    /// Of an error that a worker has made of its own call.
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

    /// The error of this call.
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

/// What a worker sends of an outcome. A value that does not cross as bytes is an error.
pub(crate) fn far_outcome(outcome: &Result<Payload, CallError>) -> FarOutcome {
    match outcome {
        Ok(Payload::Bytes(bytes)) => Ok(bytes.clone()),
        Ok(Payload::Counted(_) | Payload::Edits(_)) => {
            Err(FarError::Encode(String::from(NO_BYTES)))
        }
        Err(error) => Err(FarError::of(error)),
    }
}

/// Why a value of a `zero_copy` call does not cross.
pub(crate) const NO_BYTES: &str = "it is handed over by reference count, which no process can be";
