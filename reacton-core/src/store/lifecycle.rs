//! The life of a store: from open to disposed.

use crate::store::ReactonStore;

/// The states of a store's life. Each state is entered from the one above it, or from an earlier one.
///
/// | state | begins when | arrivals are applied | writes | `is_stopped` | `is_disposed` | `is_ended` |
/// |---|---|---|---|---|---|---|
/// | `Open` | the store is made | yes | yes | no | no | no |
/// | `Drained` | a shutdown has drained it, or the main end of its link is closed | yes | yes | no | yes | no |
/// | `Cancelled` | its isolate is disposed at the other end, at any moment of its work | no | yes | yes | yes | no |
/// | `Disposed` | it is disposed on its own thread, or its last handle is dropped | no | no | yes | yes | yes |
///
/// A store counts as drained only once it has asked for a turn after its last transaction: until then it is still
/// working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// The store works.
    Open,
    /// There is nothing left to wait for.
    Drained,
    /// The store is to end, and works until it notices.
    Cancelled,
    /// Everything in the store was dropped.
    Disposed,
}

impl ReactonStore {
    /// Asks the extensions whether the store has drained, if nothing else has ended it.
    pub(crate) fn lifecycle(&self) -> Lifecycle {
        if self.is_ended() {
            Lifecycle::Disposed
        } else if self.inbox().is_cancelled() {
            Lifecycle::Cancelled
        } else if self.extension().is_some_and(|extension| extension.is_drained(self)) {
            Lifecycle::Drained
        } else {
            Lifecycle::Open
        }
    }

    /// Whether the store is disposed. In a worker there are two more cases.
    ///
    /// It returns `true` as soon as the isolate was disposed, even in the middle of a callback. So long work can end
    /// early.
    ///
    /// It returns `true` when a shutdown has drained the worker: the worker has asked for another turn, and nothing is
    /// left to apply. So a worker that takes its own turns knows when to return.
    pub fn is_disposed(&self) -> bool {
        self.lifecycle() != Lifecycle::Open
    }

    /// Whether nothing that arrives is applied any more: it is `Cancelled` or `Disposed`.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_ended() || self.inbox().is_cancelled()
    }

    /// Whether it is `Disposed`.
    #[inline]
    pub(crate) fn is_ended(&self) -> bool {
        self.inner.disposed.get()
    }
}
