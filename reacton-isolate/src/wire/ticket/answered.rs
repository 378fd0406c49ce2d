//! The answer of a call, as a message of a link.

use std::fmt;
use std::sync::Arc;

use super::{Outcome, Ticket};

/// The answer of a call, on a link.
pub struct Answered {
    pub(super) ticket: Arc<Ticket>,
    /// `None` once it was delivered.
    pub(super) outcome: Option<Outcome>,
}

impl Answered {
    pub(crate) fn new(ticket: Arc<Ticket>, outcome: Outcome) -> Self {
        ticket.note_answered();
        Self { ticket, outcome: Some(outcome) }
    }

    /// Called when the answer has arrived.
    pub(crate) fn deliver(mut self) {
        if let Some(outcome) = self.outcome.take() {
            self.ticket.complete(outcome);
        }
    }
}

/// If the answer never arrives, the call ends with an error.
impl Drop for Answered {
    fn drop(&mut self) {
        if self.outcome.is_some() {
            self.ticket.complete(Err(self.ticket.disposal()));
        }
    }
}

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answered").field("call", &self.ticket.call.name).finish_non_exhaustive()
    }
}
