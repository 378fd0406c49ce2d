//! What threads share in an inbox, made of loom's atomics and locks, so that loom sees each access.
//!
//! The channel models the part of flume that an inbox uses: a queue under one lock, and a receiver that sleeps while
//! the queue is empty.
//!
//! Not modelled are the sleep of flume (which parks the thread and hands an item to it; here a condition variable does
//! that) and time (a deadline has passed as soon as the queue is empty).

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use loom::sync::Condvar;
pub(super) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(super) use loom::sync::{Mutex, MutexGuard};

struct Channel<T> {
    queue: Mutex<VecDeque<T>>,
    arrived: Condvar,
}

impl<T> Channel<T> {
    fn queue(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Sender<T>(Arc<Channel<T>>);

pub(super) struct Receiver<T>(Arc<Channel<T>>);

pub(super) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Mutex::new(VecDeque::new());
    let channel = Arc::new(Channel { queue, arrived: Condvar::new() });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

impl<T> Sender<T> {
    /// Never fails, because an inbox keeps a receiver beside its sender.
    #[expect(clippy::unnecessary_wraps, reason = "as flume's")]
    pub(super) fn send(&self, item: T) -> Result<(), T> {
        self.0.queue().push_back(item);
        self.0.arrived.notify_one();
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.0.queue().len()
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Receiver<T> {
    pub(super) fn len(&self) -> usize {
        self.0.queue().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn drain(&self) -> VecDeque<T> {
        std::mem::take(&mut *self.0.queue())
    }

    pub(super) fn try_iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.0.queue().pop_front())
    }

    pub(super) fn recv(&self) -> Result<T, ()> {
        let mut queue = self.0.queue();
        loop {
            if let Some(item) = queue.pop_front() {
                return Ok(item);
            }
            queue = self.0.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn recv_deadline(&self, _: Instant) -> Result<T, ()> {
        self.0.queue().pop_front().ok_or(())
    }
}
