//! The receiving end of an inbox: takes items out of the channel, and sleeps while it is empty.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::InboxItem;
use super::condition;
use super::mailbox::{Mailbox, Shared};
use super::notifier::{Callback, Registration};
use super::spin::Spin;
use super::sync::{Ordering, Receiver, unbounded};
use crate::backlog::Backlog;
use crate::panics::FirstPanic;

/// The receiving end: made on any thread, then owned by one store.
pub struct Inbox<I: InboxItem> {
    receiver: Receiver<I>,
    pub(super) shared: Arc<Shared<I>>,
    /// Items that have left the channel and were not taken yet.
    pub(super) staged: RefCell<Backlog<I>>,
    /// The number of items taken from `staged`.
    pub(super) taken: Cell<u64>,
    /// The number of sent items that have left the channel.
    pub(super) received: Cell<u64>,
    /// The number of callbacks in the notifier.
    callbacks: Cell<usize>,
    spin: Spin,
}

impl<I: InboxItem> fmt::Debug for Inbox<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("queued", &self.len()).finish()
    }
}

impl<I: InboxItem> Default for Inbox<I> {
    fn default() -> Self {
        Self::new()
    }
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    Arrived,
    TimedOut,
    Disconnected,
}

impl<I: InboxItem> Inbox<I> {
    /// An empty inbox without mailboxes.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = unbounded();
        Self {
            shared: Arc::new(Shared::new(sender, receiver.clone())),
            receiver,
            staged: RefCell::default(),
            taken: Cell::new(0),
            received: Cell::new(0),
            callbacks: Cell::new(0),
            spin: Spin::default(),
        }
    }

    #[must_use]
    pub fn mailbox(&self) -> Mailbox<I> {
        Mailbox::new(&self.shared)
    }

    /// A new sending end that does not keep a wait open. The caller keeps the wait open by other means while items may
    /// arrive through it.
    #[must_use]
    pub fn weak_mailbox(&self) -> Mailbox<I> {
        Mailbox::new_weak(&self.shared)
    }

    /// How long to spin before sleeping; zero turns spinning off.
    pub fn set_spin(&self, spin: Duration) {
        self.spin.set_time(spin);
    }

    pub(crate) fn len(&self) -> usize {
        self.staged.borrow().len() + self.receiver.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staged.borrow().is_empty() && self.receiver.is_empty()
    }

    /// Whether everything sent so far has been taken. An item that is being sent at this moment may be missed.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.is_empty()
    }

    /// As [`is_caught_up`](Self::is_caught_up), without the lock of the channel. Not exact: when several threads send
    /// at once, it may return true while an item is queued.
    #[must_use]
    pub fn seems_caught_up(&self) -> bool {
        self.staged.borrow().is_empty()
            && self.shared.sent.0.load(Ordering::SeqCst) <= self.received.get()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    /// Moves everything out of the channel, and returns how many items are staged now. It rearms the notifier first:
    /// the other order loses a wake-up.
    pub(crate) fn stage(&self) -> usize {
        // Only callbacks need this; each task rearms the notifier when it begins to wait. Without callbacks the flag is
        // not written, so it stays in the caches of both threads.
        if self.callbacks.get() > 0 {
            self.shared.notifier.rearm();
        }
        self.empty_channel().len()
    }

    /// Moves everything out of the channel into `staged`.
    pub(super) fn empty_channel(&self) -> RefMut<'_, Backlog<I>> {
        let mut staged = self.staged.borrow_mut();
        let before = staged.len();
        staged.extend(self.receiver.drain());
        self.count_received(staged.len() - before);
        staged
    }

    fn count_received(&self, count: usize) {
        self.received.set(self.received.get() + count as u64);
    }

    /// Takes the next staged item.
    #[inline]
    pub(crate) fn next(&self) -> Option<I> {
        let next = self.staged.borrow_mut().pop_front();
        self.taken.set(self.taken.get() + u64::from(next.is_some()));
        next
    }

    /// How many items have been taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Appends a wake-up to the staged items, so that there is another turn even if nothing arrives.
    pub(crate) fn stage_wake_up(&self) {
        self.staged.borrow_mut().push_back(I::wake_up());
    }

    /// Notifies again if a turn with a limit has left items.
    pub(crate) fn notify_if_left(&self) {
        if !self.staged.borrow().is_empty() {
            self.shared.notifier.notify();
        }
    }

    /// Notifies even if muted.
    pub(crate) fn notify_again(&self) {
        self.shared.notifier.notify_again();
    }

    /// Wakes all tasks; calls no callback.
    pub(crate) fn wake_tasks(&self) {
        self.shared.notifier.wake_tasks();
    }

    /// Sleeps until there is an item, the deadline passes, or nothing can arrive any more.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Waited {
        // The channel is checked last, because the sender needs its lock, too.
        if !self.staged.borrow().is_empty() || self.take_recheck() {
            return Waited::Arrived;
        }
        if self.is_disconnected() {
            return Waited::Disconnected;
        }
        // `received` may be ahead of `sent`: a sender counts an item after it has put it into the channel.
        let has_arrived = || {
            self.shared.sent.0.load(Ordering::SeqCst) > self.received.get()
                || self.is_recheck_asked()
        };
        if self.spin.until(deadline, has_arrived) {
            self.take_recheck();
            return Waited::Arrived;
        }
        if !condition::sleep(&self.shared.condition) {
            self.take_recheck();
            return Waited::Arrived;
        }
        let arrival = match deadline {
            Some(deadline) => self.receiver.recv_deadline(deadline).ok(),
            None => self.receiver.recv().ok(),
        };
        condition::wake(&self.shared.condition);
        match arrival {
            Some(arrival) => {
                self.count_received(1);
                self.staged.borrow_mut().push_back(arrival);
                Waited::Arrived
            }
            None => Waited::TimedOut,
        }
    }

    pub(crate) fn is_disconnected(&self) -> bool {
        // In this order: a mailbox has sent all its items before it is dropped.
        self.shared.mailboxes.load(Ordering::SeqCst) == 0 && self.is_empty()
    }

    /// Closes the inbox and drops all queued items, even if the drop of one panics. Returns the first panic.
    pub(crate) fn close(&self) -> FirstPanic {
        self.shared.closed.store(true, Ordering::SeqCst);
        let staged = self.staged.borrow_mut().take();
        // Taken one by one, and dropped outside of the lock of the channel.
        let mut first = FirstPanic::NONE;
        first.drop_each(staged.into_iter().chain(self.receiver.try_iter()));
        self.shared.notifier.close(&mut first);
        first
    }

    pub(crate) fn add_callback(&self, callback: &Callback) -> u64 {
        self.callbacks.set(self.callbacks.get() + 1);
        let number = self.shared.notifier.add_callback(callback);
        if !self.is_empty() {
            // Notifies all, not only this callback. If a sender is between its send and its notification, it finds the
            // notifier muted; so the first of the two notifications must wake the tasks and the other callbacks.
            self.shared.notifier.notify();
        }
        number
    }

    pub(crate) fn remove_callback(&self, number: u64) {
        let removed = self.shared.notifier.remove_callback(number);
        self.callbacks.set(self.callbacks.get() - usize::from(removed.is_some()));
        // Dropping the callback runs user code, maybe while the thread unwinds.
        let mut first = FirstPanic::NONE;
        first.guard(|| drop(removed));
        first.resume();
    }

    /// Registers a task to be woken by the next arrival. Returns `false` if there is already something to take.
    pub(crate) fn register(&self, registration: &mut Registration, task: &Waker) -> bool {
        self.shared.notifier.add_task(registration, task);
        self.is_empty()
    }

    /// Removes a task that was dropped or has become ready.
    pub(crate) fn remove_task(&self, registration: &mut Registration) {
        self.shared.notifier.remove_task(registration);
    }

    /// Whether nothing is queued and no [pending work](Mailbox::pending_work) is left.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.pending_work.load(Ordering::SeqCst) == 0 && self.is_empty()
    }

    /// Called for each [`work_ended`](InboxItem::work_ended) item, during a turn: so the tasks of the store can read
    /// the result before a drain ends.
    pub(crate) fn count_ended_work(&self) {
        let ended = self.shared.ended_work.swap(0, Ordering::SeqCst);
        self.shared.pending_work.fetch_sub(ended, Ordering::SeqCst);
    }
}

impl<I: InboxItem> Drop for Inbox<I> {
    fn drop(&mut self) {
        // The inbox never became a store, or its store is gone already.
        drop(self.close());
    }
}
