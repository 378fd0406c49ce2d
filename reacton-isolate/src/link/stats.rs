//! What is counted of a link, for both ends of it and for the program.

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reacton_core::{InlineItem, Mailbox};

use crate::sync::LinkId;

/// What has crossed the links of an isolate so far, seen from the main store. A restart counts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LinkStats {
    /// Transactions sent to the worker.
    pub transactions_sent: u64,
    /// Values sent to the worker.
    pub changes_sent: u64,
    /// Serialized bytes sent to the worker; what is handed over by reference count does not count.
    pub bytes_sent: u64,
    /// Transactions received from the worker.
    pub transactions_received: u64,
    /// Values received from the worker, those that lost against newer ones too.
    pub changes_received: u64,
    /// Serialized bytes received from the worker.
    pub bytes_received: u64,
    /// Transactions sent to the worker that were merged into one that it had not taken in yet.
    pub merged: u64,
    /// Messages that wait now for the worker to take them in.
    pub queued: u64,
    /// Messages from the worker that wait now for the main store's next turn. If it keeps growing, the worker sends
    /// faster than main takes in: [`Delivery::Latest`] bounds it.
    pub waiting: u64,
    /// How often the worker was started again.
    pub restarts: u32,
}

/// What is counted of one direction, for both ends of it. Each number has one writer, so that counting takes no
/// locked instruction; and each a cache line of its own, because the writers are two threads.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(super) posted: Count,
    taken: Count,
    /// Of the direction to the worker.
    pub(super) reports: Reports,
}

#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Only ever called by the one thread that counts here.
    #[inline]
    pub(super) fn add_one(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

impl Traffic {
    #[inline]
    pub(crate) fn count_received(&self) {
        self.taken.add_one();
    }

    /// What was sent and has not been taken in yet.
    pub(crate) fn on_its_way(&self) -> u64 {
        let taken = self.taken.0.load(Ordering::Relaxed);
        self.posted.0.load(Ordering::Relaxed).saturating_sub(taken)
    }
}

/// What the main store has counted of all links of one isolate.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) stats: Cell<LinkStats>,
    /// Of the main store, once a program has asked for the statistics as a reacton.
    pub(crate) main: OnceCell<Mailbox>,
}

/// Of one link: whether a change is to be reported to the main store. The worker's end reads it.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    wanted: AtomicBool,
    /// A note is on its way.
    posted: AtomicBool,
}

impl Reports {
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::SeqCst);
    }

    /// Reports a change, if that is wanted and no note is on its way.
    #[inline]
    pub(crate) fn report(&self, main: &Mailbox, link: LinkId) {
        if self.wanted.load(Ordering::Relaxed) && !self.posted.swap(true, Ordering::SeqCst) {
            main.post_inline(InlineItem { words: [link.0, 0, 0, 0, 0, 0, 0], reader: &ReportItem });
        }
    }

    /// What has changed until now is about to be read.
    pub(crate) fn taken(&self) {
        // Acquires: what was counted before a report that was left out is read after this.
        self.posted.swap(false, Ordering::SeqCst);
    }
}

/// The item that the statistics of a link have changed, as its number.
pub(crate) struct ReportItem;
