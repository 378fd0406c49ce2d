//! Carries the `tracing` subscriber and span from the thread that starts work to the thread that does it.

use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::subscriber::NoSubscriber;

/// The subscriber and the span of the thread that starts work.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// `None` if that thread had no subscriber. Then a subscriber that is set later for the whole process is used as
    /// well.
    dispatch: Option<Dispatch>,
    span: tracing::Span,
}

impl Default for Scope {
    /// A scope without a subscriber and a span.
    fn default() -> Self {
        Self { dispatch: None, span: tracing::Span::none() }
    }
}

impl Scope {
    /// Returns the scope of this thread.
    pub(crate) fn current() -> Self {
        let dispatch = dispatcher::get_default(|dispatch| {
            (!dispatch.is::<NoSubscriber>()).then(|| dispatch.clone())
        });
        let span =
            if dispatch.is_some() { tracing::Span::current() } else { tracing::Span::none() };
        Self { dispatch, span }
    }

    /// Makes the scope's subscriber that of this thread, until the guard is dropped.
    pub(crate) fn listen(&self) -> Option<DefaultGuard> {
        self.dispatch.as_ref().map(dispatcher::set_default)
    }

    /// Returns the span in which the work was started, or a disabled one.
    pub(crate) fn span(&self) -> &tracing::Span {
        &self.span
    }
}
