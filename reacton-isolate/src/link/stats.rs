//! The statistics of a link, for both ends of it and for the program.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reacton_core::{InlineItem, Mailbox};

use super::flush::FlushSignal;
use crate::sync::LinkId;

/// The numbers of messages between an isolate and its main store, as the main store counts them. They continue across
/// restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LinkStats {
    /// Transactions sent to the worker.
    pub transactions_sent: u64,
    /// Values sent to the worker.
    pub changes_sent: u64,
    /// Serialized bytes sent to the worker. Values that are sent by reference count are not included.
    pub bytes_sent: u64,
    /// Transactions received from the worker.
    pub transactions_received: u64,
    /// Values received from the worker, including those that were dropped because a newer one was there.
    pub changes_received: u64,
    /// Serialized bytes received from the worker.
    pub bytes_received: u64,
    /// Transactions sent to the worker that were merged into one that it had not applied yet.
    pub merged: u64,
    /// Messages that are queued for the worker now.
    pub queued: u64,
    /// Messages from the worker that are queued for the main store's next turn. If it keeps growing, the worker sends
    /// faster than main applies: [`Delivery::Latest`](crate::Delivery::Latest) limits it.
    pub waiting: u64,
    /// How often the worker was restarted.
    pub restarts: u32,
}

/// The counts of one direction between two threads. Each number has one writer, so that counting needs no locked
/// instruction, and its own cache line, because the writers are two threads.
#[derive(Debug, Default)]
struct Traffic {
    sent: Count,
    received: Count,
    /// Only used for the direction to the worker.
    reports: Reports,
    /// Only used for the direction to main, and where a road is read.
    flush: FlushSignal,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Count(AtomicU64);

impl Count {
    /// Called by one thread only. Returns the new count.
    #[inline]
    fn add_one(&self) -> u64 {
        let count = self.0.load(Ordering::Relaxed) + 1;
        self.0.store(count, Ordering::Relaxed);
        count
    }
}

impl Traffic {
    /// The number of messages sent and not yet applied.
    fn on_its_way(&self) -> u64 {
        let received = self.received.0.load(Ordering::Relaxed);
        self.sent.0.load(Ordering::Relaxed).saturating_sub(received)
    }
}

/// The counter of the sending end of one direction. It counts sent messages, and reads the acknowledged ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct SendCounter(Arc<Traffic>);

/// The counter of the receiving end of one direction. Counting a message acknowledges it to the sending end: between
/// two threads through a shared number. For an end in another process, the code of the road holds this counter, and
/// counts when an acknowledgement arrives.
#[derive(Debug)]
pub(crate) struct ReceiveCounter(Arc<Traffic>);

impl SendCounter {
    /// The counter of the other end.
    pub(crate) fn receiving(&self) -> ReceiveCounter {
        ReceiveCounter(Arc::clone(&self.0))
    }

    #[inline]
    pub(in crate::link) fn count_sent(&self) {
        self.0.sent.add_one();
    }

    /// The number of messages that the other end has not applied yet.
    pub(crate) fn queued(&self) -> u64 {
        self.0.on_its_way()
    }

    /// How many will have been received when so many of those sent so far still wait.
    #[cfg(feature = "process")]
    pub(in crate::link) fn received_when_left(&self, waiting: u64) -> u64 {
        self.0.sent.0.load(Ordering::Relaxed).saturating_sub(waiting)
    }

    pub(crate) fn flush(&self) -> &FlushSignal {
        &self.0.flush
    }

    pub(super) fn reports(&self) -> &Reports {
        &self.0.reports
    }
}

impl ReceiveCounter {
    /// Counts a message that was taken out of the inbox, which acknowledges it to the sending end.
    #[inline]
    pub(crate) fn count_received(&self) {
        let received = self.0.received.add_one();
        self.0.flush.note_received(received);
    }

    /// Called when no more messages will be applied.
    pub(crate) fn end(&self) {
        self.0.flush.end();
    }

    /// The same counter, for the code that carries the messages of a store in another process.
    #[cfg(feature = "process")]
    pub(crate) fn another(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Sets how many messages an end in another process has applied, as it reports from time to time. A report may be
    /// overtaken by a later one (rule 37).
    #[cfg(feature = "process")]
    pub(crate) fn set_received(&self, received: u64) {
        self.0.received.0.fetch_max(received, Ordering::Relaxed);
        self.0.flush.note_received(received);
    }

    /// The number of messages taken out of the inbox.
    #[cfg(feature = "process")]
    pub(super) fn received(&self) -> u64 {
        self.0.received.0.load(Ordering::Relaxed)
    }

    /// The number of messages queued in the inbox of this end.
    pub(crate) fn waiting(&self) -> u64 {
        self.0.on_its_way()
    }

    #[inline]
    pub(super) fn reports(&self) -> &Reports {
        &self.0.reports
    }
}

/// The statistics of all links of one isolate, counted by the main store.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) stats: Cell<LinkStats>,
    /// Set once a program has asked for the statistics as a reacton.
    pub(crate) main: OnceCell<Mailbox>,
}

/// Whether changes of one link's statistics are reported to the main store. The worker's end reads it.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    wanted: AtomicBool,
    /// A report is queued.
    posted: AtomicBool,
}

impl Reports {
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::SeqCst);
    }

    /// Reports a change, if that is wanted and no report is queued.
    #[inline]
    pub(crate) fn report(&self, main: &Mailbox, link: LinkId) {
        if self.wanted.load(Ordering::Relaxed) && !self.posted.swap(true, Ordering::SeqCst) {
            main.post_inline(InlineItem { words: [link.0, 0, 0, 0, 0, 0, 0], reader: &ReportItem });
        }
    }

    /// Called before the statistics are read.
    pub(crate) fn taken(&self) {
        // Acquires, so that what was counted before an omitted report is read after this.
        self.posted.swap(false, Ordering::SeqCst);
    }
}

/// Reports that the statistics of a link have changed; its content is the number of the link.
pub(crate) struct ReportItem;
