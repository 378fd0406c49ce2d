//! The inbox: the one channel on which everything from other threads reaches a store.

mod condition;
mod contents;
mod cores;
mod item;
mod notifier;
mod spin;
mod stale;
mod unread;

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

pub use self::contents::{Contents, Merging, Stamp};
pub(crate) use self::item::Item;
pub use self::item::{
    Arrival, InlineItem, InlineWords, ReadInline, ReadShared, SharedItem, SharedWords,
};
use self::notifier::Notifier;
pub(crate) use self::notifier::{Callback, Registration};
use self::spin::Spin;
pub(crate) use self::stale::Found;
use self::stale::Stale;
pub(crate) use self::unread::Unread;
use crate::backlog::Backlog;
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::turns::handle::StoreHandle;

/// How much is taken in at a stretch where others wait: a condition and a timeout, or the other tasks of an executor.
pub(crate) const SLICE: usize = 64;

/// Ends a sleep, so that the store checks whether a mailbox is left.
struct WakeUp;

impl WakeUp {
    /// In the channel as numbers: a pool may send one for each job, and a box would be freed by another thread.
    fn item() -> Item {
        Item::Inline(InlineItem { words: [0; 7], reader: &Self })
    }
}

impl ReadInline for WakeUp {
    fn take_in(&self, _: InlineWords, _: &ReactonStore) -> usize {
        0
    }
}

struct Shared {
    sender: flume::Sender<Item>,
    /// What was sent after the store has gone is drained by whoever sent it: flume keeps what is queued alive
    /// as long as a sender lives, and what is queued may hold this very sender.
    leftovers: flume::Receiver<Item>,
    /// Everything that was ever sent, for a spin that takes no lock.
    sent: Apart<AtomicU64>,
    /// Mailboxes that are left and count: without one, nothing can arrive any more.
    mailboxes: AtomicUsize,
    notifier: Notifier,
    closed: AtomicBool,
    cancelled: AtomicBool,
    /// Whether the store waits for a condition: one of the states in [`condition`].
    condition: AtomicU8,
    /// What the store's thread has started on other threads, and whose end it has not taken in.
    pending_work: AtomicUsize,
    /// Of that, what has ended.
    ended_work: AtomicUsize,
}

/// On cache lines of its own: what is written here does not take from the other thread what stands beside it.
#[derive(Default)]
#[repr(align(128))]
struct Apart<T>(T);

impl Shared {
    fn post(&self, item: Item) -> bool {
        if self.closed.load(Ordering::SeqCst) || self.sender.send(item).is_err() {
            return false;
        }
        self.sent.0.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            // A panic in there is nothing of the sender's.
            let mut panicked = FirstPanic::NONE;
            panicked.drop_each(self.leftovers.try_iter());
            drop(panicked);
            return false;
        }
        self.notifier.notify();
        true
    }
}

/// The sending end of an inbox. As long as one that counts is left, something may still arrive.
pub struct Mailbox {
    shared: Arc<Shared>,
    keeps_open: bool,
}

impl Mailbox {
    /// Sends; gives whether the store still takes in what arrives. Never blocks.
    pub fn post(&self, arrival: impl Arrival + 'static) -> bool {
        self.shared.post(Item::boxed(arrival))
    }

    /// As [`post`](Self::post), for what fits in a few numbers.
    #[inline]
    pub fn post_inline(&self, item: InlineItem) -> bool {
        self.shared.post(Item::Inline(item))
    }

    /// As [`post`](Self::post), for a value that is shared by reference count.
    pub fn post_shared(&self, item: SharedItem) -> bool {
        self.shared.post(Item::shared(item))
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

    /// Another sending end, which a waiting store does not count on.
    pub(crate) fn weak(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), keeps_open: false }
    }

    /// Counts work on another thread whose result may come to this store.
    #[must_use]
    pub fn pending_work(&self) -> PendingWork {
        self.shared.pending_work.fetch_add(1, Ordering::SeqCst);
        PendingWork(self.weak())
    }

    /// Makes a store that waits for a condition check it again; at most once for each check. What has changed must be
    /// visible to the store's thread already.
    pub fn recheck(&self) {
        if condition::ask(&self.shared.condition) {
            self.shared.post(WakeUp::item());
        }
    }

    /// Tells the store, in the middle of whatever it does, that it is to end.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::SeqCst);
        // Whether or not the store has looked since the last notification: it may wait for something else.
        self.shared.notifier.notify_again();
    }
}

impl Clone for Mailbox {
    fn clone(&self) -> Self {
        if self.keeps_open {
            self.shared.mailboxes.fetch_add(1, Ordering::SeqCst);
        }
        Self { shared: Arc::clone(&self.shared), keeps_open: self.keeps_open }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        if self.keeps_open && self.shared.mailboxes.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.shared.post(WakeUp::item());
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("closed", &self.is_closed()).finish()
    }
}

/// Work on another thread whose result may come to a store: until this is dropped, a drain of the store goes on.
#[derive(Debug)]
pub struct PendingWork(Mailbox);

impl PendingWork {
    /// Of the store. It does not keep a wait open.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.0
    }
}

impl Drop for PendingWork {
    fn drop(&mut self) {
        // One item for all that ends before it is taken in.
        if self.0.shared.ended_work.fetch_add(1, Ordering::SeqCst) == 0 {
            self.0.shared.post(Item::boxed(WorkEnded));
        }
    }
}

/// Work has ended. It is subtracted in a turn, so that the tasks of the store can read its result before a drain ends.
struct WorkEnded;

impl Arrival for WorkEnded {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let shared = &store.inbox().shared;
        let ended = shared.ended_work.swap(0, Ordering::SeqCst);
        shared.pending_work.fetch_sub(ended, Ordering::SeqCst);
        0
    }
}

/// The receiving end: made anywhere, then owned by one store.
pub struct Inbox {
    receiver: flume::Receiver<Item>,
    shared: Arc<Shared>,
    /// What has left the channel and waits for its turn.
    staged: RefCell<Backlog<Item>>,
    /// Items that have left `staged`.
    taken: Cell<u64>,
    stale: Stale,
    /// How much of `sent` has left the channel.
    received: Cell<u64>,
    /// Somebody was woken and asked for a turn where there could be none.
    refused: Cell<bool>,
    /// A task was polled where there could be no turn.
    refused_task: Cell<bool>,
    /// How often in a row nothing came in a simulation.
    fruitless_waits: Cell<u32>,
    /// The store's thread has asked for a turn since the last transaction was taken in: it is done with that one.
    asks: Cell<bool>,
    /// The store is to end once it asks for more and nothing is left.
    draining: Cell<bool>,
    end: Cell<End>,
    /// An async worker runs on the store, until it asks for a turn after its end.
    driven: Cell<bool>,
    spin: Spin,
    /// How many callbacks are among the listeners.
    callbacks: Cell<usize>,
    /// What tasks have taken in since one of them last let others run.
    taken_in_a_row: Cell<usize>,
    unread: Unread,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("queued", &self.len()).finish()
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// What the futures and streams of a store have said about its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum End {
    /// Nothing yet.
    #[default]
    Unsaid,
    /// A turn of nothing, or the end of a stream.
    Said,
    /// Another turn was asked for after that.
    AskedAgain,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    Arrived,
    TimedOut,
    Disconnected,
}

impl Inbox {
    /// An empty inbox without mailboxes.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = flume::unbounded();
        let shared = Shared {
            sender,
            leftovers: receiver.clone(),
            sent: Apart::default(),
            mailboxes: AtomicUsize::new(0),
            notifier: Notifier::default(),
            closed: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            condition: AtomicU8::new(condition::NONE),
            pending_work: AtomicUsize::new(0),
            ended_work: AtomicUsize::new(0),
        };
        Self {
            receiver,
            shared: Arc::new(shared),
            staged: RefCell::default(),
            taken: Cell::new(0),
            stale: Stale::default(),
            received: Cell::new(0),
            refused: Cell::new(false),
            refused_task: Cell::new(false),
            fruitless_waits: Cell::new(0),
            asks: Cell::new(false),
            draining: Cell::new(false),
            end: Cell::default(),
            driven: Cell::new(false),
            spin: Spin::default(),
            callbacks: Cell::new(0),
            taken_in_a_row: Cell::new(0),
            unread: Unread::default(),
        }
    }

    /// A new sending end.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        self.shared.mailboxes.fetch_add(1, Ordering::SeqCst);
        Mailbox { shared: Arc::clone(&self.shared), keeps_open: true }
    }

    /// A new sending end that a waiting store does not count on: who hands it out keeps one that counts for as
    /// long as something may come this way.
    #[must_use]
    pub fn weak_mailbox(&self) -> Mailbox {
        Mailbox { shared: Arc::clone(&self.shared), keeps_open: false }
    }

    /// A handle of the store that this inbox will belong to.
    #[must_use]
    pub fn handle(&self) -> StoreHandle {
        StoreHandle::new(self.mailbox())
    }

    /// How long to spin before sleeping; zero turns spinning off.
    pub fn set_spin(&self, spin: Duration) {
        self.spin.set_time(spin);
    }

    /// A store that takes in what arrives here.
    #[must_use]
    pub fn into_store(self) -> ReactonStore {
        ReactonStore::around(self)
    }

    pub(crate) fn len(&self) -> usize {
        self.staged.borrow().len() + self.receiver.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staged.borrow().is_empty() && self.receiver.is_empty()
    }

    /// Whether everything has been taken in that was sent so far. What is being sent meanwhile may count or not.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.is_empty()
    }

    /// As [`is_caught_up`](Self::is_caught_up), without the lock of the channel, and not exact: where several threads send at
    /// one moment, it may return true though something is there.
    #[must_use]
    pub fn seems_caught_up(&self) -> bool {
        self.staged.borrow().is_empty()
            && self.shared.sent.0.load(Ordering::SeqCst) <= self.received.get()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    /// Takes everything out of the channel and gives how much waits now. The notifier is rearmed before the channel is
    /// emptied: the other order loses a wake-up.
    pub(crate) fn stage(&self) -> usize {
        // Only callbacks are to be called again and again; each task rearms the notifier when it begins to wait. Where there are
        // neither, it stays as it is, and both threads have it in their caches.
        if self.callbacks.get() > 0 {
            self.shared.notifier.rearm();
        }
        self.empty_channel().len()
    }

    /// Everything that waits, none of it in the channel any more.
    fn empty_channel(&self) -> RefMut<'_, Backlog<Item>> {
        let mut staged = self.staged.borrow_mut();
        let before = staged.len();
        staged.extend(self.receiver.drain());
        self.note_received(staged.len() - before);
        staged
    }

    fn note_received(&self, count: usize) {
        self.received.set(self.received.get() + count as u64);
    }

    #[inline]
    pub(crate) fn next(&self) -> Option<Item> {
        let next = self.staged.borrow_mut().pop_front();
        self.taken.set(self.taken.get() + u64::from(next.is_some()));
        next
    }

    /// Notifies again if a bounded turn has left something.
    pub(crate) fn notify_if_left(&self) {
        // After a panic: the next turn announces it.
        if self.has_overdue() {
            self.staged.borrow_mut().push_back(WakeUp::item());
        }
        if !self.staged.borrow().is_empty() {
            self.shared.notifier.notify();
        }
    }

    /// In a simulation nothing came, and nothing will unless this store does something. Gives how often in a row.
    pub(crate) fn count_fruitless_wait(&self) -> u32 {
        self.fruitless_waits.set(self.fruitless_waits.get() + 1);
        self.fruitless_waits.get()
    }

    /// Something came.
    pub(crate) fn reset_fruitless_waits(&self) {
        self.fruitless_waits.set(0);
    }

    /// A turn was asked for in the middle of something, and took nothing in.
    pub(crate) fn note_refused(&self) {
        self.refused.set(true);
    }

    /// A task that waits was polled in the middle of something.
    pub(crate) fn note_refused_task(&self) {
        self.refused_task.set(true);
    }

    /// Whether one was, and whoever asked has not been woken again.
    #[inline]
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.get() | self.refused_task.get()
    }

    /// A turn would not be refused any more: whoever was woken is woken again, if there is something to take in. A task that was
    /// polled is woken whether or not there is: its poll did not look.
    pub(crate) fn notify_again(&self) {
        if self.refused.replace(false) && !self.is_empty() {
            self.shared.notifier.notify_again();
        }
        if self.refused_task.replace(false) {
            self.shared.notifier.wake_tasks();
        }
    }

    /// Sleeps until something is there, the deadline passes, or nothing can come any more.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Waited {
        // The channel itself is looked at last: its lock is the sender's, too.
        if !self.staged.borrow().is_empty() || self.take_recheck() {
            return Waited::Arrived;
        }
        if self.is_disconnected() {
            return Waited::Disconnected;
        }
        // What was received may be ahead of what was sent: it is counted after it is in the channel.
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
                self.note_received(1);
                self.staged.borrow_mut().push_back(arrival);
                Waited::Arrived
            }
            None => Waited::TimedOut,
        }
    }

    pub(crate) fn is_disconnected(&self) -> bool {
        // In this order: a mailbox that is dropped has sent everything before.
        self.shared.mailboxes.load(Ordering::SeqCst) == 0 && self.is_empty()
    }

    /// Takes nothing in any more; what waits is dropped, each whatever the others do. Gives the first panic.
    pub(crate) fn close(&self) -> FirstPanic {
        self.shared.closed.store(true, Ordering::SeqCst);
        let staged = self.staged.borrow_mut().take();
        // Out of the channel one by one, outside of its lock.
        let mut first = FirstPanic::NONE;
        first.drop_each(staged.into_iter().chain(self.receiver.try_iter()));
        self.shared.notifier.close(&mut first);
        first
    }

    pub(crate) fn add_callback(&self, callback: &Callback) -> u64 {
        self.callbacks.set(self.callbacks.get() + 1);
        let waker = self.shared.notifier.add_callback(callback);
        if !self.is_empty() {
            // Not this callback alone. A sender may stand between its send and its notification, and finds the notifier muted then:
            // the tasks and the other callbacks are woken by the first of the two notifications, and no later.
            self.shared.notifier.notify();
        }
        waker
    }

    pub(crate) fn remove_callback(&self, waker: u64) {
        let forgotten = self.shared.notifier.remove_callback(waker);
        self.callbacks.set(self.callbacks.get() - usize::from(forgotten.is_some()));
        // User code: a scope may end while the thread unwinds.
        let mut first = FirstPanic::NONE;
        first.guard(|| drop(forgotten));
        first.resume();
    }

    #[inline]
    pub(crate) fn set_asks(&self, asks: bool) {
        self.asks.set(asks);
    }

    /// Sets it for as long as `f` runs.
    pub(crate) fn asking<U>(&self, f: impl FnOnce() -> U) -> U {
        let before = self.asks.replace(true);
        let result = f();
        self.asks.set(before);
        result
    }

    /// Whether the store asks for more, and nothing is there nor on its way from work that it has started.
    pub(crate) fn has_nothing_left(&self) -> bool {
        self.asks.get() && self.is_idle()
    }

    /// Whether nothing is there, nor on its way from work that the store has started.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.pending_work.load(Ordering::SeqCst) == 0 && self.is_empty()
    }

    /// What streams have received and no task has read.
    pub(crate) fn unread(&self) -> &Unread {
        &self.unread
    }

    /// So many values of a stream were read, or dropped with it. Tasks that waited for that are woken.
    pub(crate) fn note_read(&self, count: usize) {
        if self.unread.subtract(count) {
            self.shared.notifier.notify_again();
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    pub(crate) fn set_draining(&self) {
        self.draining.set(true);
        self.shared.notifier.wake_tasks();
    }

    /// A future or a stream says that the store is over.
    pub(crate) fn note_end(&self) {
        self.end.set(self.end.get().max(End::Said));
    }

    pub(crate) fn has_said_end(&self) -> bool {
        self.end.get() >= End::Said
    }

    /// A turn is asked for after the end was said.
    pub(crate) fn note_asked_again(&self) {
        self.end.set(End::AskedAgain);
    }

    pub(crate) fn is_driven(&self) -> bool {
        self.driven.get()
    }

    pub(crate) fn set_driven(&self, driven: bool) {
        self.driven.set(driven);
    }

    pub(crate) fn was_asked_again(&self) -> bool {
        self.end.get() == End::AskedAgain
    }

    /// How many items have been taken in.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Registers a task to be woken by the next arrival. Gives whether there is nothing to take in yet.
    pub(crate) fn register(&self, registration: &mut Registration, task: &Waker) -> bool {
        self.shared.notifier.add_task(registration, task);
        self.is_empty()
    }

    /// Lets a task go that waits no more: it was dropped, or is ready. If it was woken, others are in its place.
    pub(crate) fn remove_task(&self, registration: &mut Registration) {
        self.shared.notifier.remove_task(registration);
    }

    /// How much tasks may still take in before one of them has to let others run.
    pub(crate) fn allowance(&self) -> usize {
        SLICE.saturating_sub(self.taken_in_a_row.get())
    }

    /// A task has taken in so much and goes on.
    pub(crate) fn use_up(&self, items: usize) {
        self.taken_in_a_row.set(self.taken_in_a_row.get() + items);
    }

    /// A task lets others run.
    pub(crate) fn give_way(&self) {
        self.taken_in_a_row.set(0);
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // One that never became a store, or whose store is gone already.
        drop(self.close());
    }
}

#[cfg(test)]
mod tests;
