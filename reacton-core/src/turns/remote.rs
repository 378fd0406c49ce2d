//! The changes of one reacton as a stream for other threads.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::backlog::Backlog;
use crate::graph::CellId;
use crate::ops::subscription::Subscription;
use crate::panics::wake;
use crate::reacton::access::Readable;
use crate::store::ReactonStore;
use crate::store::item::Mailbox;
use crate::turns::handle::Control;

/// The values of one reacton as they change in the store of a [`StoreHandle`](crate::StoreHandle): see its
/// [`watch`](crate::StoreHandle::watch) and [`changes`](crate::StoreHandle::changes).
///
/// Polling it takes no turns: the store's own thread takes them.
#[must_use = "a stream does nothing unless it is polled"]
pub struct RemoteChanges<T> {
    buffer: Arc<Mutex<Buffer<T>>>,
    /// Tells the store that the stream was dropped. It does not keep a wait open.
    mailbox: Mailbox,
}

/// Which values are queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The newest one, beginning with the current value.
    Newest,
    /// All, beginning with the next change.
    Every,
}

struct Buffer<T> {
    values: Backlog<T>,
    waiting: Option<Waker>,
    /// The subscription in the store, once it exists.
    observer: Option<CellId>,
    /// The stream was dropped.
    dropped: bool,
    /// The subscription has ended, or will never begin.
    ended: bool,
}

fn lock<T>(buffer: &Mutex<Buffer<T>>) -> MutexGuard<'_, Buffer<T>> {
    buffer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> RemoteChanges<T> {
    /// Puts back a value that its reader could not receive: the next poll returns it.
    pub(super) fn give_back(&self, value: T) {
        lock(&self.buffer).values.push_front(value);
    }

    pub(crate) fn new(which: Which, mailbox: Mailbox) -> (Publisher<T>, Self) {
        let buffer = Arc::new(Mutex::new(Buffer {
            values: Backlog::default(),
            waiting: None,
            observer: None,
            dropped: false,
            ended: false,
        }));
        (Publisher { buffer: Arc::clone(&buffer), which }, Self { buffer, mailbox })
    }
}

/// The store's end of the stream. The closure of the subscription owns it, so that the stream ends with the
/// subscription.
pub(crate) struct Publisher<T> {
    buffer: Arc<Mutex<Buffer<T>>>,
    which: Which,
}

impl<T: Clone + Send + 'static> Publisher<T> {
    /// Subscribes, unless the stream was dropped.
    pub(crate) fn begin(self, store: &ReactonStore, reacton: &impl Readable<Value = T>) {
        let which = self.which;
        self.begin_by(|this| {
            let publish = move |store: &ReactonStore, value: &T| this.publish(store, value.clone());
            match which {
                Which::Newest => store.watch(reacton, publish),
                Which::Every => store.subscribe(reacton, publish),
            }
        });
    }
}

impl<T: Send + 'static> Publisher<T> {
    /// The same with the subscription that `subscribe` makes.
    pub(super) fn begin_by(self, subscribe: impl FnOnce(Self) -> Subscription) {
        if lock(&self.buffer).dropped {
            return;
        }
        let buffer = Arc::clone(&self.buffer);
        let subscription = subscribe(self);
        let dropped = {
            let mut buffer = lock(&buffer);
            buffer.observer = subscription.observer();
            buffer.dropped
        };
        if dropped {
            // The stream was dropped before the subscription existed, so its drop could not end it.
            subscription.unsubscribe();
        }
    }

    /// Takes the value back that waits.
    pub(super) fn take(&self) -> Option<T> {
        lock(&self.buffer).values.pop_front()
    }

    // Cloned, woken and dropped outside of the lock: all of it is user code.
    pub(super) fn publish(&self, store: &ReactonStore, value: T) {
        let (waiting, displaced, dropped) = {
            let mut buffer = lock(&self.buffer);
            let mut displaced = None;
            if buffer.dropped {
                displaced = Some(value);
            } else {
                if self.which == Which::Newest {
                    displaced = buffer.values.pop_front();
                }
                buffer.values.push_back(value);
            }
            let dropped = buffer.observer.filter(|_| buffer.dropped);
            (buffer.waiting.take(), displaced, dropped)
        };
        drop(displaced);
        if let Some(waiting) = waiting {
            wake(waiting);
        }
        if let Some(observer) = dropped {
            store.end(observer);
        }
    }
}

impl<T> Drop for Publisher<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut buffer = lock(&self.buffer);
            buffer.ended = true;
            buffer.waiting.take()
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
            let mut buffer = lock(&self.buffer);
            if let Some(value) = buffer.values.pop_front() {
                return Poll::Ready(Some(value));
            }
            if buffer.ended {
                return Poll::Ready(None);
            }
            buffer.waiting.replace(waiting)
        };
        drop(displaced);
        Poll::Pending
    }
}

impl<T> Drop for RemoteChanges<T> {
    fn drop(&mut self) {
        let (left, observer) = {
            let mut buffer = lock(&self.buffer);
            buffer.dropped = true;
            let left = (mem::take(&mut buffer.values), buffer.waiting.take());
            (left, buffer.observer.filter(|_| !buffer.ended))
        };
        drop(left);
        if let Some(observer) = observer {
            self.mailbox.post(Control(move |store: &ReactonStore| store.end(observer)));
        }
    }
}

impl<T> fmt::Debug for RemoteChanges<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffer = lock(&self.buffer);
        f.debug_struct("RemoteChanges")
            .field("waiting", &buffer.values.len())
            .field("ended", &buffer.ended)
            .finish_non_exhaustive()
    }
}
