//! The changes of one reacton as a stream on another thread than the store's.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::backlog::Backlog;
use crate::graph::CellId;
use crate::panics::wake;
use crate::reacton::access::Readable;
use crate::store::ReactonStore;
use crate::store::item::Mailbox;
use crate::turns::handle::Steer;

/// The values of one reacton as they change in the store of a [`StoreHandle`](crate::StoreHandle): see its
/// [`watch`](crate::StoreHandle::watch) and [`changes`](crate::StoreHandle::changes).
///
/// Polling it takes no turns: that is done on the store's thread.
#[must_use = "a stream does nothing unless it is polled"]
pub struct RemoteChanges<T> {
    heard: Arc<Mutex<Heard<T>>>,
    /// By which the store is told that nobody listens any more. A store that waits does not count on it.
    mailbox: Mailbox,
}

/// Which of the values that wait are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The newest, beginning with the present one.
    Newest,
    /// Every one, beginning with the next.
    Every,
}

struct Heard<T> {
    values: Backlog<T>,
    waiting: Option<Waker>,
    /// The subscription in the store, once it is made.
    observer: Option<CellId>,
    /// The stream was dropped.
    unheard: bool,
    /// The subscription has ended, or will never begin.
    ended: bool,
}

fn lock<T>(heard: &Mutex<Heard<T>>) -> MutexGuard<'_, Heard<T>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> RemoteChanges<T> {
    pub(crate) fn new(which: Which, mailbox: Mailbox) -> (Teller<T>, Self) {
        let heard = Arc::new(Mutex::new(Heard {
            values: Backlog::default(),
            waiting: None,
            observer: None,
            unheard: false,
            ended: false,
        }));
        (Teller { heard: Arc::clone(&heard), which }, Self { heard, mailbox })
    }
}

/// The store's end of the stream. It lives in what the subscription runs, so that the stream ends with it.
pub(crate) struct Teller<T> {
    heard: Arc<Mutex<Heard<T>>>,
    which: Which,
}

impl<T: Clone + Send + 'static> Teller<T> {
    /// Subscribes, unless nobody listens any more.
    pub(crate) fn begin(self, store: &ReactonStore, reacton: &impl Readable<Value = T>) {
        if lock(&self.heard).unheard {
            return;
        }
        let (which, heard) = (self.which, Arc::clone(&self.heard));
        let tell = move |store: &ReactonStore, value: &T| self.tell(store, value);
        let subscription = match which {
            Which::Newest => store.watch(reacton, tell),
            Which::Every => store.subscribe(reacton, tell),
        };
        let unheard = {
            let mut heard = lock(&heard);
            heard.observer = subscription.observer();
            heard.unheard
        };
        if unheard {
            // Dropped before there was anything that it could have ended.
            subscription.unsubscribe();
        }
    }

    fn tell(&self, store: &ReactonStore, value: &T) {
        // Cloned, woken and dropped outside of the lock: all of it is somebody else's code.
        let value = value.clone();
        let (waiting, displaced, unheard) = {
            let mut heard = lock(&self.heard);
            let mut displaced = None;
            if heard.unheard {
                displaced = Some(value);
            } else {
                if self.which == Which::Newest {
                    displaced = heard.values.pop_front();
                }
                heard.values.push_back(value);
            }
            let unheard = heard.observer.filter(|_| heard.unheard);
            (heard.waiting.take(), displaced, unheard)
        };
        drop(displaced);
        if let Some(waiting) = waiting {
            wake(waiting);
        }
        if let Some(observer) = unheard {
            store.end(observer);
        }
    }
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut heard = lock(&self.heard);
            heard.ended = true;
            heard.waiting.take()
        };
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }
}

impl<T> Stream for RemoteChanges<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let waiting = context.waker().clone();
        let displaced = {
            let mut heard = lock(&self.heard);
            if let Some(value) = heard.values.pop_front() {
                return Poll::Ready(Some(value));
            }
            if heard.ended {
                return Poll::Ready(None);
            }
            heard.waiting.replace(waiting)
        };
        drop(displaced);
        Poll::Pending
    }
}

impl<T> Drop for RemoteChanges<T> {
    fn drop(&mut self) {
        let (left, observer) = {
            let mut heard = lock(&self.heard);
            heard.unheard = true;
            let left = (mem::take(&mut heard.values), heard.waiting.take());
            (left, heard.observer.filter(|_| !heard.ended))
        };
        drop(left);
        if let Some(observer) = observer {
            self.mailbox.post(Steer(move |store: &ReactonStore| store.end(observer)));
        }
    }
}

impl<T> fmt::Debug for RemoteChanges<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heard = lock(&self.heard);
        f.debug_struct("RemoteChanges")
            .field("waiting", &heard.values.len())
            .field("ended", &heard.ended)
            .finish_non_exhaustive()
    }
}
