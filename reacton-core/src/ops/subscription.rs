//! Handles of observers, with which a program ends them.

use crate::graph::CellId;
use crate::store::{ReactonStore, WeakStore};

/// A handle to an observer. Dropping it does not end the observer: see [`scoped`](Self::scoped).
#[derive(Debug)]
pub struct Subscription {
    store: WeakStore,
    target: Target,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Observer(CellId),
    Waker(u64),
    Ended,
}

impl Subscription {
    pub(super) fn to(store: &ReactonStore, cell: CellId) -> Self {
        Self { store: store.downgrade(), target: Target::Observer(cell) }
    }

    pub(super) fn ended(store: &ReactonStore) -> Self {
        Self { store: store.downgrade(), target: Target::Ended }
    }

    pub(crate) fn to_waker(store: &ReactonStore, waker: u64) -> Self {
        Self { store: store.downgrade(), target: Target::Waker(waker) }
    }

    /// The cell of the observer, with which the store can end it.
    pub(crate) fn observer(&self) -> Option<CellId> {
        match self.target {
            Target::Observer(cell) => Some(cell),
            Target::Waker(_) | Target::Ended => None,
        }
    }

    /// Ends the observer: it is not called again, in the current round either, and its closure is dropped.
    pub fn unsubscribe(self) {
        self.end();
    }

    /// A subscription that ends when it is dropped.
    pub fn scoped(self) -> ScopedSubscription {
        ScopedSubscription { subscription: self }
    }

    fn end(&self) {
        let Some(store) = self.store.upgrade() else {
            return;
        };
        match self.target {
            Target::Observer(cell) => store.end(cell),
            Target::Waker(waker) => store.inbox().remove_callback(waker),
            Target::Ended => {}
        }
    }
}

/// A subscription that ends when it is dropped.
#[derive(Debug)]
#[must_use = "the subscription ends when this is dropped"]
pub struct ScopedSubscription {
    subscription: Subscription,
}

impl Drop for ScopedSubscription {
    fn drop(&mut self) {
        self.subscription.end();
    }
}
