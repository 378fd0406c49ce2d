//! The sending end of an inbox, and what it shares with the receiving end.

use std::fmt;
use std::sync::Arc;

use super::InboxItem;
use super::condition;
use super::notifier::Notifier;
use super::sync::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, Receiver, Sender};
use crate::panics::FirstPanic;

/// What the two ends share.
pub(super) struct Shared<I> {
    pub(super) sender: Sender<I>,
    /// What is sent after the receiver is closed is dropped by its sender: flume keeps what is queued alive as long as a sender
    /// lives, and what is queued may hold this very sender.
    leftovers: Receiver<I>,
    /// How much was ever sent, for a spin that takes no lock.
    pub(super) sent: OwnLines<AtomicU64>,
    /// The mailboxes that are left and keep a wait open: without one, nothing can arrive any more.
    pub(super) mailboxes: AtomicUsize,
    pub(super) notifier: Notifier,
    pub(super) closed: AtomicBool,
    pub(super) cancelled: AtomicBool,
    /// Whether the receiver waits for a condition: one of the states in [`condition`].
    pub(super) condition: AtomicU8,
    /// What the receiver's thread has started on other threads, and whose end it has not counted.
    pub(super) pending_work: AtomicUsize,
    /// Of that, what has ended.
    pub(super) ended_work: AtomicUsize,
}

/// On cache lines of its own: a write to this does not take the fields beside it from the cache of the other thread.
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

    /// A panic in the drop of an item is no concern of the sender.
    #[cold]
    fn drop_leftovers(&self) {
        let mut panicked = FirstPanic::NONE;
        panicked.drop_each(self.leftovers.try_iter());
        drop(panicked);
    }
}

/// The sending end of an inbox. As long as one that keeps a wait open is left, something may still arrive.
pub struct Mailbox<I: InboxItem> {
    shared: Arc<Shared<I>>,
    keeps_open: bool,
}

impl<I: InboxItem> Mailbox<I> {
    /// One that keeps a wait open.
    pub(super) fn new(shared: &Arc<Shared<I>>) -> Self {
        shared.mailboxes.fetch_add(1, Ordering::SeqCst);
        Self { shared: Arc::clone(shared), keeps_open: true }
    }

    /// One that does not.
    pub(super) fn new_weak(shared: &Arc<Shared<I>>) -> Self {
        Self { shared: Arc::clone(shared), keeps_open: false }
    }

    /// Sends an item. Returns whether the store still takes items. Never blocks.
    pub fn send(&self, item: I) -> bool {
        self.shared.send(item)
    }

    /// Whether the store has ended.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::SeqCst)
    }

    /// What has been sent and has not left the channel yet.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.sender.len()
    }

    /// Whether a receiver that waits for an arrival would wait no longer.
    #[must_use]
    pub fn ends_a_wait(&self) -> bool {
        let shared = &self.shared;
        // In this order: a mailbox that is dropped has sent everything before.
        let is_disconnected = shared.mailboxes.load(Ordering::SeqCst) == 0;
        is_disconnected || self.queued() > 0 || condition::is_asked(&shared.condition)
    }

    /// Another sending end, which does not keep a wait open.
    #[must_use]
    pub fn weak(&self) -> Self {
        Self::new_weak(&self.shared)
    }

    /// Counts work on another thread whose result may come to this store.
    #[must_use]
    pub fn pending_work(&self) -> PendingWork<I> {
        self.shared.pending_work.fetch_add(1, Ordering::SeqCst);
        PendingWork(self.weak())
    }

    /// Makes a store that waits for a condition check it again; at most once for each check. What has changed must be
    /// visible to the store's thread already.
    pub fn recheck(&self) {
        if condition::ask(&self.shared.condition) {
            self.shared.send(I::wake_up());
        }
    }

    /// Cancels the store, in the middle of whatever it does: it takes no more items.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::SeqCst);
        // Whether or not the store has looked since the last notification: it may wait for something else.
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

/// Work on another thread whose result may come to a store: until this is dropped, a drain of the store goes on.
#[derive(Debug)]
pub struct PendingWork<I: InboxItem>(Mailbox<I>);

impl<I: InboxItem> PendingWork<I> {
    /// Of the store. It does not keep a wait open.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox<I> {
        &self.0
    }
}

impl<I: InboxItem> Drop for PendingWork<I> {
    fn drop(&mut self) {
        // One item for all that ends before it is taken.
        if self.0.shared.ended_work.fetch_add(1, Ordering::SeqCst) == 0 {
            self.0.shared.send(I::work_ended());
        }
    }
}
