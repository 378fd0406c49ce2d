//! The `tracing` subscriber and span of the thread that starts work, for the thread that does it.

use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::subscriber::NoSubscriber;

/// Who listens where work is started, and which span it is started in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// `None` if nobody listens. Then a subscriber for the whole process, if one is set later, is heard there as well.
    dispatch: Option<Dispatch>,
    span: Option<tracing::Span>,
}

impl Scope {
    /// That of this thread.
    pub(crate) fn current() -> Self {
        let dispatch = dispatcher::get_default(|dispatch| {
            (!dispatch.is::<NoSubscriber>()).then(|| dispatch.clone())
        });
        let span = dispatch.as_ref().map(|_| tracing::Span::current());
        Self { dispatch, span: span.filter(|span| !span.is_none()) }
    }

    /// What this thread logs is heard there, until the guard is dropped.
    pub(crate) fn listen(&self) -> Option<DefaultGuard> {
        self.dispatch.as_ref().map(dispatcher::set_default)
    }

    /// The span that the work was started in.
    pub(crate) fn span(&self) -> Option<&tracing::Span> {
        self.span.as_ref()
    }
}
