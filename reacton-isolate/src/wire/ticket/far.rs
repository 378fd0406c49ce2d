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

    /// How the process that asked calls it; `None` if it was asked in this one.
    pub(crate) fn key(&self) -> Option<WorkKey> {
        self.key
    }

    /// The question, for a worker in another process, which says itself when it begins; `None` if the call is over.
    pub(crate) fn question(&self) -> Option<Payload> {
        let state = self.state();
        if state.is_decided() || self.is_cancelled() { None } else { state.question.clone() }
    }

    /// The answer that the worker has made, to be sent back.
    pub(crate) fn take_answer(&self) -> Outcome {
        let mut state = self.state();
        let answer = if state.stage == Stage::Answered { state.outcome.take() } else { None };
        answer.unwrap_or_else(|| Err(self.cancellation()))
    }

    /// Lets `on_cancel` be called when the call is cancelled, or over without an answer. If it is so already, it is called now.
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
    /// Its key and its outcome, in the process of a worker that another one asks.
    pub(crate) fn far(&self) -> Option<(WorkKey, &Outcome)> {
        self.ticket.key.zip(self.outcome.as_ref())
    }
}
