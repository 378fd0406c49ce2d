//! A call, as the worker that answers sees it.

use std::fmt;
use std::sync::Arc;

use crate::wire::ticket::Ticket;

/// A call that a worker is answering: the closure receives it together with the question.
#[derive(Clone)]
pub struct Asked {
    ticket: Arc<Ticket>,
}

impl Asked {
    pub(crate) fn new(ticket: &Arc<Ticket>) -> Self {
        Self { ticket: Arc::clone(ticket) }
    }

    /// Whether the answer is no longer needed: the caller has dropped it, its timeout has passed, or the isolate was
    /// disposed. Long work should check this from time to time, and then return any value.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.ticket.is_cancelled()
    }

    /// The path of the call's declaration, such as `my_app::THUMBNAIL`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.ticket.call().name
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("call", &self.name())
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}
