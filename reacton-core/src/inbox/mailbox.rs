//! The sending end of an inbox, and the state that both ends share.

use std::fmt;
use std::sync::Arc;

use super::InboxItem;
use super::condition;
use super::notifier::Notifier;
use super::sync::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, Receiver, Sender};
use crate::panics::FirstPanic;

/// The state that both ends share.
pub(super) struct Shared<I> {
    pub(super) sender: Sender<I>,
    /// A second receiver, with which a sender drops what it sent after the inbox was closed. Otherwise flume would keep
    /// such an item as long as a sender lives, and the item may hold this very sender.
    leftovers: Receiver<I>,
    /// The number of items ever sent, so that a spin can look without a lock.
    pub(super) sent: OwnLines<AtomicU64>,
    /// The number of mailboxes that keep a wait open. At zero, nothing can arrive any more.
    pub(super) mailboxes: AtomicUsize,
    pub(super) notifier: Notifier,
    pub(super) closed: AtomicBool,
    pub(super) cancelled: AtomicBool,
    /// Whether the receiver waits for a condition: one of the states in [`condition`].
    pub(super) condition: AtomicU8,
    /// The number of pieces of work started on other threads whose end was not counted yet.
    pub(super) pending_work: AtomicUsize,
    /// How many of these have ended.
    pub(super) ended_work: AtomicUsize,
}

/// Aligned to cache lines of its own: a write to it does not evict the fields beside it from the cache of the other
/// thread.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct OwnLines<T>(pub(super) T);

impl<I: InboxItem> Shared<I> {
    pub(super) fn new(sender: Sender<I>, leftovers: Receiver<I>) -> Self {
        Self {
            sender,
            leftovers,
            sent: OwnLines(AtomicU64::new(0)),
            mailboxes: AtomicUsize::new(0),
            notifier: Notifier::default(),
            closed: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            condition: AtomicU8::new(condition::NONE),
            pending_work: AtomicUsize::new(0),
            ended_work: AtomicUsize::new(0),
        }
    }

    fn send(&self, item: I) -> bool {
        if self.closed.load(Ordering::SeqCst) || self.sender.send(item).is_err() {
            return false;
        }
        self.sent.0.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            self.drop_leftovers();
            return false;
        }
        self.notifier.notify();
        true
    }

    /// A panic in the drop of an item must not reach the sender.
    #[cold]
    fn drop_leftovers(&self) {
        let mut panicked = FirstPanic::NONE;
        panicked.drop_each(self.leftovers.try_iter());
        drop(panicked);
    }
}

/// The sending end of an inbox. While one that keeps a wait open exists, something may still arrive.
pub struct Mailbox<I: InboxItem> {
    shared: Arc<Shared<I>>,
    keeps_open: bool,
}

impl<I: InboxItem> Mailbox<I> {
    /// A mailbox that keeps a wait open.
    pub(super) fn new(shared: &Arc<Shared<I>>) -> Self {
        shared.mailboxes.fetch_add(1, Ordering::SeqCst);
        Self { shared: Arc::clone(shared), keeps_open: true }
    }

    /// A mailbox that does not keep a wait open.
    pub(super) fn new_weak(shared: &Arc<Shared<I>>) -> Self {
        Self { shared: Arc::clone(shared), keeps_open: false }
    }

    /// Sends an item. Returns whether the store still accepts items. Never blocks.
    pub fn send(&self, item: I) -> bool {
        self.shared.send(item)
    }

    /// Whether the store has ended.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::SeqCst)
    }

    /// The number of items that have been sent and are still in the channel.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.sender.len()
    }

    /// Whether a receiver that waits for an arrival would return now.
    #[must_use]
    pub fn ends_a_wait(&self) -> bool {
        let shared = &self.shared;
        // Read before the channel: a mailbox has sent all its items before it is dropped.
        let is_disconnected = shared.mailboxes.load(Ordering::SeqCst) == 0;
        is_disconnected || self.queued() > 0 || condition::is_asked(&shared.condition)
    }

    /// Another sending end, which does not keep a wait open.
    #[must_use]
    pub fn weak(&self) -> Self {
        Self::new_weak(&self.shared)
    }

    /// Registers work on another thread whose result may be sent to this store.
    #[must_use]
    pub fn pending_work(&self) -> PendingWork<I> {
        self.shared.pending_work.fetch_add(1, Ordering::SeqCst);
        PendingWork(self.weak())
    }

    /// Makes a store that waits for a condition check it again, at most once for each check. The store's thread must
    /// already be able to see the change.
    pub fn recheck(&self) {
        if condition::ask(&self.shared.condition) {
            self.shared.send(I::wake_up());
        }
    }

    /// Cancels the store, even in the middle of a callback: it accepts no more items.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::SeqCst);
        // Notifies even if the notifier is muted, because the store may be waiting for something else.
        self.shared.notifier.notify_again();
    }
}

impl<I: InboxItem> Clone for Mailbox<I> {
    fn clone(&self) -> Self {
        if self.keeps_open { Self::new(&self.shared) } else { self.weak() }
    }
}

impl<I: InboxItem> Drop for Mailbox<I> {
    fn drop(&mut self) {
        if self.keeps_open && self.shared.mailboxes.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.shared.send(I::wake_up());
        }
    }
}

impl<I: InboxItem> fmt::Debug for Mailbox<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("closed", &self.is_closed()).finish()
    }
}

/// Work on another thread whose result may be sent to a store. A drain of the store waits until this is dropped.
#[derive(Debug)]
pub struct PendingWork<I: InboxItem>(Mailbox<I>);

impl<I: InboxItem> PendingWork<I> {
    /// The mailbox of the store. It does not keep a wait open.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox<I> {
        &self.0
    }
}

impl<I: InboxItem> Drop for PendingWork<I> {
    fn drop(&mut self) {
        // One item reports all work that ends before the item is taken.
        if self.0.shared.ended_work.fetch_add(1, Ordering::SeqCst) == 0 {
            self.0.shared.send(I::work_ended());
        }
    }
}
