//! The status of an isolate: reactons of the main store that the library writes.

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, ReadOnly};

use crate::error::LinkError;
use crate::wire::message::CloseReason;

/// The status of an isolate: `store.get(worker.status())`, or subscribe to `worker.status()`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsolateStatus {
    /// The worker's thread runs, or waits for something to do.
    Running,
    /// The worker is on another machine, which has been silent for 3 s. What is written meanwhile waits. If the machine
    /// is heard again, the status is `Running`, and nothing was lost; otherwise it becomes `Lost`.
    Disconnected,
    /// The machine of the worker was silent for too long, or has ended the worker. If the policy of restarts allows it,
    /// the status is `Restarting` instead. The main store keeps the last values.
    Lost,
    /// The worker panicked, and a new one will start: it waits for the backoff, or receives main's values.
    Restarting {
        /// The number of this restart among those in the window of the policy, from 1.
        attempt: u32,
    },
    /// The worker panicked, or its function returned an error. The main store keeps the last values.
    Failed {
        /// The message of the panic or of the error.
        message: String,
        /// The place of the panic, as `file:line:column`. `None` for an error, and for a panic that began on another
        /// thread.
        location: Option<String>,
    },
    /// The isolate has ended: by `dispose`, by `shutdown`, or with its store.
    Disposed,
}

impl From<CloseReason> for IsolateStatus {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Failed { message } => Self::Failed { message, location: None },
            CloseReason::Panicked { message, location, .. } => Self::Failed { message, location },
            CloseReason::Lost { .. } => Self::Lost,
            CloseReason::Drained | CloseReason::Disposed => Self::Disposed,
        }
    }
}

/// The reactons that show the state of one isolate.
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

    /// Called when the isolate's handle is gone: only copies of the reactons themselves can still be read.
    pub(crate) fn end(self, store: &ReactonStore) {
        let wiring = Wiring::of(store);
        wiring.end(self.last_error);
        wiring.end(self.status);
    }
}
