//! The changes of one reacton as a stream, for programs that await.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::access::Readable;
use crate::observer::ScopedSubscription;
use crate::store::{ReactonStore, WeakStore};

/// The values of one reacton as they change; see [`ReactonStore::changes`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct Changes<T> {
    /// Weak, so that a stream that is kept does not keep the store.
    store: WeakStore,
    heard: Rc<RefCell<Heard<T>>>,
    _subscription: ScopedSubscription,
}

struct Heard<T> {
    values: VecDeque<T>,
    /// Who waits, also for a change that is made on this very thread.
    waiting: Option<Waker>,
}

impl<T> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("waiting", &self.heard.borrow().values.len())
            .finish_non_exhaustive()
    }
}

impl ReactonStore {
    /// The values of `reacton` as they change, beginning with the next change: each one, in order.
    ///
    /// Polling it takes turns, so a program that awaits it needs no other loop. It ends with the store. Dropping
    /// it, and dropping the future of its next value, loses nothing but the values that it had not given yet.
    ///
    /// # Panics
    /// If `reacton` is a local of another store, or was removed.
    #[track_caller]
    pub fn changes<R: Readable>(&self, reacton: &R) -> Changes<R::Value>
    where
        R::Value: Clone,
    {
        let heard = Rc::new(RefCell::new(Heard { values: VecDeque::new(), waiting: None }));
        let hearing = Rc::clone(&heard);
        let subscription = self.subscribe(reacton, move |_, value| {
            let value = value.clone();
            let waiting = {
                let mut heard = hearing.borrow_mut();
                heard.values.push_back(value);
                heard.waiting.take()
            };
            // The executor's code runs outside of the borrow.
            if let Some(waiting) = waiting {
                waiting.wake();
            }
        });
        Changes { store: self.downgrade(), heard, _subscription: subscription.scoped() }
    }
}

impl<T> Stream for Changes<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let next = || self.heard.borrow_mut().values.pop_front();
        if let Some(value) = next() {
            return Poll::Ready(Some(value));
        }
        let Some(store) = self.store.upgrade().filter(|store| !store.is_disposed()) else {
            return Poll::Ready(None);
        };
        // Registered first: what arrives or changes from here on wakes.
        let waiting = context.waker().clone();
        let displaced = self.heard.borrow_mut().waiting.replace(waiting);
        drop(displaced);
        if !store.inbox().register(context.waker()) {
            store.pump();
        }
        match next() {
            Some(value) => Poll::Ready(Some(value)),
            None if store.is_disposed() => Poll::Ready(None),
            None if !store.inbox().is_empty() => {
                // A turn inside a batch or an observer takes in nothing: look again when that is over.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Pending,
        }
    }
}
