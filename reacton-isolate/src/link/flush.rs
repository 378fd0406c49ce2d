//! How the sending end of a link waits until the other end has applied more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::task::Waker;
use std::time::Instant;

use reacton_core::panics::wake;

/// Wakes the sending end. The receiving end reads one flag for each message, and notifies only while someone waits.
#[derive(Debug)]
pub(crate) struct FlushSignal {
    /// So many messages have to be received before it notifies; no number is large enough if nobody waits.
    from: AtomicU64,
    /// The receiving end will apply nothing more.
    ended: AtomicBool,
    waker: Mutex<Option<Waker>>,
    changed: Condvar,
}

/// Nobody waits.
pub(super) const NEVER: u64 = u64::MAX;

impl Default for FlushSignal {
    fn default() -> Self {
        Self {
            from: AtomicU64::new(NEVER),
            ended: AtomicBool::default(),
            waker: Mutex::default(),
            changed: Condvar::default(),
        }
    }
}

impl FlushSignal {
    /// Called when a message was applied; `received` is how many now are.
    #[inline]
    pub(super) fn note_received(&self, received: u64) {
        if received >= self.from.load(Ordering::Relaxed) {
            self.notify();
        }
    }

    #[cold]
    fn notify(&self) {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waker.take();
        drop(waker);
        self.changed.notify_all();
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }

    /// Called when nothing more will be applied.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.notify();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// From now on the receiving end notifies when it has received so many messages. It sees the change at the next message
    /// at the latest.
    pub(super) fn notify_from(&self, received: u64) {
        self.from.store(received, Ordering::SeqCst);
    }

    /// Registers `waker` for the next notification.
    pub(crate) fn register(&self, waker: Waker) {
        let mut place = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let displaced = place.replace(waker);
        drop(place);
        drop(displaced);
    }

    /// Blocks until `is_ready` or the deadline has passed.
    pub(crate) fn wait(&self, is_ready: &dyn Fn() -> bool, deadline: Option<Instant>) -> bool {
        let mut guard = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_ready() {
            let Some(deadline) = deadline else {
                guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(guard, left);
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
