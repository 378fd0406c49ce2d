//! The status of an isolate: reactons of the main store that the library writes.

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, ReadOnly};

use crate::error::LinkError;
use crate::wire::message::CloseReason;

/// The status of an isolate: `store.get(worker.status())`, or subscribe to `worker.status()`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsolateStatus {
    /// Its thread runs, or waits for something to do.
    Running,
    /// It panicked, and a new worker will start: it waits for its backoff, or receives main's values.
    Restarting {
        /// Which of the restarts in the window of the policy it is, from 1.
        attempt: u32,
    },
    /// It panicked, or its function returned an error. The main store keeps the last values.
    Failed {
        /// The message of the panic or of the error.
        message: String,
        /// Where it panicked, as `file:line:column`; unknown for an error, and for a panic that began on another thread.
        location: Option<String>,
    },
    /// It has ended, by `dispose`, by `shutdown`, or with its store.
    Disposed,
}

impl From<CloseReason> for IsolateStatus {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Failed { message } => Self::Failed { message, location: None },
            CloseReason::Panicked { message, location, .. } => Self::Failed { message, location },
            CloseReason::Drained | CloseReason::Disposed => Self::Disposed,
        }
    }
}

/// The reactons about one isolate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusReactons {
    pub(crate) status: ReadOnly<IsolateStatus>,
    pub(crate) last_error: ReadOnly<Option<LinkError>>,
}

impl StatusReactons {
    pub(crate) fn new(store: &ReactonStore) -> Self {
        let wiring = Wiring::of(store);
        Self {
            status: wiring.read_only(IsolateStatus::Running, || IsolateStatus::Disposed),
            last_error: wiring.read_only(None, || None),
        }
    }

    pub(crate) fn show(self, store: &ReactonStore, status: IsolateStatus) {
        Wiring::of(store).write(self.status, status);
    }

    pub(crate) fn report(self, store: &ReactonStore, error: LinkError) {
        Wiring::of(store).write(self.last_error, Some(error));
    }

    /// The isolate's handle is gone: nobody can ask any more but by copies of the reactons themselves.
    pub(crate) fn end(self, store: &ReactonStore) {
        let wiring = Wiring::of(store);
        wiring.end(self.last_error);
        wiring.end(self.status);
    }
}
