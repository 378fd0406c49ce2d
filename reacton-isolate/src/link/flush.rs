//! How the sending end of a link waits until the other end has applied more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::task::Waker;
use std::time::Instant;

use reacton_core::panics::wake;

/// Wakes the sending end. The receiving end reads one flag for each message, and notifies only while someone waits.
#[derive(Debug, Default)]
pub(crate) struct FlushSignal {
    wanted: AtomicBool,
    /// The receiving end will apply nothing more.
    ended: AtomicBool,
    waker: Mutex<Option<(Waker, u64)>>,
    changed: Condvar,
}

impl FlushSignal {
    /// Called when a message was applied; `received` is how many now are.
    #[inline]
    pub(super) fn note_received(&self, received: u64) {
        if self.wanted.load(Ordering::Relaxed) {
            self.notify(received);
        }
    }

    #[cold]
    fn notify(&self, received: u64) {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waker.take_if(|(_, from)| received >= *from);
        drop(waker);
        self.changed.notify_all();
        if let Some((waiting, _)) = waiting {
            wake(waiting);
        }
    }

    /// Called when nothing more will be applied.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.notify(u64::MAX);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Sets whether the receiving end notifies. It sees the change at the next message at the latest.
    pub(super) fn set_wanted(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::SeqCst);
    }

    /// Registers `waker` for the first notification after so many messages were received.
    pub(crate) fn register(&self, waker: Waker, from: u64) {
        let mut place = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let displaced = place.replace((waker, from));
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
