//! The `tracing` subscriber and span of the thread that starts work, for the thread that does it.

use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::subscriber::NoSubscriber;

/// Who listens where work is started, and which span it is started in.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// `None` if nobody listens. Then a subscriber for the whole process, if one is set later, is heard there as well.
    dispatch: Option<Dispatch>,
    span: tracing::Span,
}

impl Default for Scope {
    /// Nobody listens.
    fn default() -> Self {
        Self { dispatch: None, span: tracing::Span::none() }
    }
}

impl Scope {
    /// That of this thread.
    pub(crate) fn current() -> Self {
        let dispatch = dispatcher::get_default(|dispatch| {
            (!dispatch.is::<NoSubscriber>()).then(|| dispatch.clone())
        });
        let span =
            if dispatch.is_some() { tracing::Span::current() } else { tracing::Span::none() };
        Self { dispatch, span }
    }

    /// What this thread logs is heard there, until the guard is dropped.
    pub(crate) fn listen(&self) -> Option<DefaultGuard> {
        self.dispatch.as_ref().map(dispatcher::set_default)
    }

    /// The span that the work was started in, if there is one.
    pub(crate) fn span(&self) -> &tracing::Span {
        &self.span
    }
}
