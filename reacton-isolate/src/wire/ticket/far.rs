//! A call whose worker is in another process: one ticket on each side, with one key.

use std::sync::Arc;

use super::{Answered, CallRef, Outcome, Stage, Ticket, WorkKey};
use crate::wire::value::Payload;

impl Ticket {
    /// The ticket in the process of the worker.
    pub(crate) fn far(
        call: CallRef,
        worker: Arc<str>,
        question: Payload,
        key: WorkKey,
        by_link: bool,
    ) -> Self {
        Self { key: Some(key), ..Self::new(call, worker, question, by_link, None) }
    }

    /// The key by which the other process identifies the call; `None` for a call of this process.
    pub(crate) fn key(&self) -> Option<WorkKey> {
        self.key
    }

    /// The question, for a worker in another process, which reports when it begins; `None` if the call has ended.
    pub(crate) fn question(&self) -> Option<Payload> {
        let state = self.state();
        if state.is_decided() || self.is_cancelled() { None } else { state.question.clone() }
    }

    /// Takes the answer of the worker, to send it back.
    pub(crate) fn take_answer(&self) -> Outcome {
        let mut state = self.state();
        let answer = if state.stage == Stage::Answered { state.outcome.take() } else { None };
        answer.unwrap_or_else(|| Err(self.cancellation()))
    }

    /// Calls `on_cancel` when the call is cancelled or ends without an answer, or now if that has happened already.
    pub(crate) fn on_cancel(&self, on_cancel: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if self.is_cancelled() {
            drop(state);
            on_cancel();
        } else if !state.is_decided() {
            state.on_cancel = Some(Box::new(on_cancel));
        }
    }
}

impl Answered {
    /// In the process of a worker: the key of the call in the other process, and its outcome.
    pub(crate) fn far(&self) -> Option<(WorkKey, &Outcome)> {
        self.ticket.key.zip(self.outcome.as_ref())
    }
}
