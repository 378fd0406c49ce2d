//! How far the thread has got that writes, for the thread of the store.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::FlushError;
use crate::status::SaveStatus;

/// Shared by the thread that writes and the handle.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the last request for which an attempt was made.
    attempted: u64,
    /// Why the last attempt failed, if it did.
    failure: Option<String>,
    /// Something was taken out of the queue that is not on disk.
    unsaved: bool,
    ended: bool,
    /// What no reacton reads is to be removed.
    forget: bool,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is about to be taken out of the queue. Returns whether what no reacton reads is to be removed.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.lock();
        state.unsaved = true;
        std::mem::take(&mut state.forget)
    }

    /// An attempt was made, for all requests up to this one.
    pub(crate) fn finish(&self, asked: u64, result: Result<(), String>) {
        let mut state = self.lock();
        state.attempted = asked;
        state.unsaved = result.is_err();
        state.failure = result.err();
        self.changed.notify_all();
    }

    /// The thread ends.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        if std::thread::panicking() {
            state.unsaved = true;
            state.failure = Some(String::from("the thread that writes has panicked"));
        }
        self.changed.notify_all();
    }

    /// What was noted before the first request is not on disk.
    pub(crate) fn set_unsaved(&self) {
        self.lock().unsaved = true;
    }

    pub(crate) fn forget_unknown(&self) {
        self.lock().forget = true;
    }

    /// The status, if the queue is empty or not.
    pub(crate) fn status(&self, is_empty: bool) -> SaveStatus {
        let state = self.lock();
        match &state.failure {
            Some(reason) => SaveStatus::Failing { reason: reason.clone() },
            None if is_empty && !state.unsaved => SaveStatus::Saved,
            None => SaveStatus::Pending,
        }
    }

    /// Waits until an attempt was made for the request of this number.
    pub(crate) fn wait(&self, request: u64, timeout: Duration) -> Result<(), FlushError> {
        let waits = |state: &mut State| state.attempted < request && !state.ended;
        let woken = self.changed.wait_timeout_while(self.lock(), timeout, waits);
        let (state, waited) = woken.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(FlushError::TimedOut { timeout });
        }
        match &state.failure {
            Some(reason) => Err(FlushError::Failed { reason: reason.clone() }),
            None => Ok(()),
        }
    }
}
