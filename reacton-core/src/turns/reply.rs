//! Replies: the result of a closure on a store's thread, sent back to the thread that sent the closure.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::HandleError;
use crate::panics::wake;

/// The result of a call of a [`StoreHandle`](crate::StoreHandle): a future for any executor and any thread.
///
/// The call has already been sent: awaiting only waits for its result, and dropping the reply discards only the result.
/// The store executes the call in its next turn, so it must take turns while the reply is awaited.
///
/// It returns a [`HandleError`] if the store ended before it executed the call, or if something panicked during the
/// call.
// Not `#[must_use]`: a write through a handle happens even if the reply is dropped.
pub struct Reply<U> {
    slot: Arc<Mutex<Slot<U>>>,
}

/// The sending end of a [`Reply`]. Dropped without an answer, it reports that there is none.
pub(crate) struct Answer<U> {
    slot: Arc<Mutex<Slot<U>>>,
    begun: bool,
}

enum Slot<U> {
    /// No answer yet; holds the waker of the task that waits.
    Open(Option<Waker>),
    Answered(Result<U, HandleError>),
    /// The answer was taken, or the reply was dropped.
    Closed,
}

/// A new pair of ends.
pub(crate) fn reply<U>() -> (Answer<U>, Reply<U>) {
    let slot = Arc::new(Mutex::new(Slot::Open(None)));
    (Answer { slot: Arc::clone(&slot), begun: false }, Reply { slot })
}

fn lock<U>(slot: &Mutex<Slot<U>>) -> MutexGuard<'_, Slot<U>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<U> Answer<U> {
    pub(crate) fn is_wanted(&self) -> bool {
        !matches!(*lock(&self.slot), Slot::Closed)
    }

    /// Answers with the result of `f`, or with its panic.
    pub(crate) fn by(mut self, f: impl FnOnce() -> U) {
        self.begun = true;
        let value = f();
        self.complete(Ok(value));
    }

    /// Answers with an error.
    pub(crate) fn fail(self, why: HandleError) {
        self.complete(Err(why));
    }

    fn complete(&self, answer: Result<U, HandleError>) {
        let displaced = {
            let mut slot = lock(&self.slot);
            match *slot {
                Slot::Open(_) => mem::replace(&mut *slot, Slot::Answered(answer)),
                // An answer that is not wanted is dropped after the lock is released, because its drop is user code.
                Slot::Answered(_) | Slot::Closed => Slot::Answered(answer),
            }
        };
        if let Slot::Open(Some(waiting)) = displaced {
            wake(waiting);
        }
    }
}

impl<U> Drop for Answer<U> {
    fn drop(&mut self) {
        if matches!(*lock(&self.slot), Slot::Open(_)) {
            let why = if self.begun { HandleError::Panicked } else { HandleError::Closed };
            self.complete(Err(why));
        }
    }
}

impl<U> Future for Reply<U> {
    type Output = Result<U, HandleError>;

    /// # Panics
    /// If it has returned its result already.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned and dropped outside of the lock, because both run code of the executor.
        let waiting = context.waker().clone();
        let displaced = {
            let mut slot = lock(&self.slot);
            match mem::replace(&mut *slot, Slot::Closed) {
                Slot::Open(displaced) => {
                    *slot = Slot::Open(Some(waiting));
                    displaced
                }
                Slot::Answered(answer) => return Poll::Ready(answer),
                Slot::Closed => {
                    drop(slot);
                    panic!("a reply was polled after it had given its result")
                }
            }
        };
        drop(displaced);
        Poll::Pending
    }
}

impl<U> Drop for Reply<U> {
    fn drop(&mut self) {
        let displaced = mem::replace(&mut *lock(&self.slot), Slot::Closed);
        drop(displaced);
    }
}

impl<U> fmt::Debug for Reply<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_here = matches!(*lock(&self.slot), Slot::Answered(_));
        f.debug_struct("Reply").field("is_here", &is_here).finish()
    }
}
