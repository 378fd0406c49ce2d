//! The inbox: the one channel on which everything from other threads reaches a store.

mod parcel;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::hint;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use self::parcel::Parcel;
pub use self::parcel::{Arrival, Handover, HandoverWords, Note, ReadHandover, ReadNote, Words};
use crate::id::RefId;
use crate::store::ReactonStore;

/// How much is taken in at a stretch where others wait: a condition and a timeout, or the other tasks of an executor.
pub(crate) const SLICE: usize = 64;

/// Wakes a task of an executor.
pub(crate) fn wake(task: Waker) {
    guarded(|| task.wake());
}

/// Calls what is to wake somebody: if it panics, it does not take down with it whoever has something to tell.
fn guarded(wake: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(wake));
}

/// Rings the bell so that a waiting store looks who is left.
struct Nudge;

impl Arrival for Nudge {
    fn take_in(self: Box<Self>, _: &ReactonStore) -> usize {
        0
    }
}

pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

struct Shared {
    sender: flume::Sender<Parcel>,
    /// What was sent after the store has gone is drained by whoever sent it: flume keeps what is queued alive
    /// as long as a sender lives, and what is queued may hold this very sender.
    leftovers: flume::Receiver<Parcel>,
    /// Everything that was ever sent, for a spin that takes no lock.
    sent: Apart<AtomicU64>,
    /// Mailboxes that are left and count: without one, nothing can arrive any more.
    mailboxes: AtomicUsize,
    /// The wakers were called. Put down by each task that begins to wait, so that where it is up none does; and, as long
    /// as there are callbacks, by each look of the store.
    rung: AtomicBool,
    closed: AtomicBool,
    cancelled: AtomicBool,
    wakers: Mutex<Wakers>,
}

/// On cache lines of its own: what is written here does not take from the other thread what stands beside it.
#[derive(Default)]
#[repr(align(128))]
struct Apart<T>(T);

#[derive(Default)]
struct Wakers {
    callbacks: Vec<(u64, Wake)>,
    tasks: Vec<(u64, Waker)>,
    given: u64,
}

impl Shared {
    fn post(&self, parcel: Parcel) -> bool {
        if self.closed.load(Ordering::SeqCst) || self.sender.send(parcel).is_err() {
            return false;
        }
        self.sent.0.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            self.discard();
            return false;
        }
        self.ring();
        true
    }

    fn discard(&self) {
        // Dropped one by one outside of the channel's lock: dropping may send.
        while let Ok(arrival) = self.leftovers.try_recv() {
            drop(arrival);
        }
    }

    /// Calls the wakers, once until the store looks again. They are called outside of every lock.
    fn ring(&self) {
        // Read before it is written: in a burst it stands at true, and is in the caches of both. That no wake-up is lost
        // rests on the channel's lock: who looks at the channel after a send sees what was sent, and a send after that
        // look sees the flag that was put down before it.
        if self.rung.load(Ordering::SeqCst) || self.rung.swap(true, Ordering::SeqCst) {
            return;
        }
        let (callbacks, tasks) = {
            let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
            (wakers.callbacks.clone(), std::mem::take(&mut wakers.tasks))
        };
        for (_, wake) in callbacks {
            guarded(|| wake());
        }
        for (_, task) in tasks {
            wake(task);
        }
    }
}

/// The sending end of an inbox. As long as one that counts is left, something may still arrive.
pub struct Mailbox {
    shared: Arc<Shared>,
    counts: bool,
}

impl Mailbox {
    /// Sends; gives whether the store still takes in what arrives. Never blocks.
    pub fn post(&self, arrival: impl Arrival + 'static) -> bool {
        self.shared.post(Parcel::boxed(arrival))
    }

    /// As [`post`](Self::post), for what fits in a few numbers.
    pub fn post_note(&self, note: Note) -> bool {
        self.shared.post(Parcel::Note(note))
    }

    /// As [`post`](Self::post), for a value that is handed over by reference count.
    pub fn post_handover(&self, handover: Handover) -> bool {
        self.shared.post(Parcel::handover(handover))
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
    pub(crate) fn uncounted(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), counts: false }
    }

    /// Tells the store, in the middle of whatever it does, that it is to end.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::SeqCst);
        // Rung whether or not the store has looked since the last time: it may wait for something else.
        self.shared.rung.store(false, Ordering::SeqCst);
        self.shared.ring();
    }
}

impl Clone for Mailbox {
    fn clone(&self) -> Self {
        if self.counts {
            self.shared.mailboxes.fetch_add(1, Ordering::SeqCst);
        }
        Self { shared: Arc::clone(&self.shared), counts: self.counts }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        if self.counts && self.shared.mailboxes.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.shared.post(Parcel::boxed(Nudge));
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("closed", &self.is_closed()).finish()
    }
}

/// The receiving end: made anywhere, then owned by one store.
pub struct Inbox {
    receiver: flume::Receiver<Parcel>,
    shared: Arc<Shared>,
    /// What has left the channel and waits for its turn.
    staged: RefCell<VecDeque<Parcel>>,
    /// What was said to be stale: it is told when it comes, though it be equal, since work may have been dropped for it.
    doubted: RefCell<Vec<RefId>>,
    /// How much of `sent` has left the channel.
    received: Cell<u64>,
    spin: Cell<Duration>,
    /// The last yield of a spin came back at once: nobody waits for this core.
    alone: Cell<bool>,
    /// How many callbacks are among the wakers.
    callbacks: Cell<usize>,
    /// What tasks have taken in since one of them last let others run.
    taken_in_a_row: Cell<usize>,
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
            rung: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            wakers: Mutex::default(),
        };
        Self {
            receiver,
            shared: Arc::new(shared),
            staged: RefCell::default(),
            doubted: RefCell::default(),
            received: Cell::new(0),
            spin: Cell::new(default_spin()),
            alone: Cell::new(false),
            callbacks: Cell::new(0),
            taken_in_a_row: Cell::new(0),
        }
    }

    /// A new sending end.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        self.shared.mailboxes.fetch_add(1, Ordering::SeqCst);
        Mailbox { shared: Arc::clone(&self.shared), counts: true }
    }

    /// A new sending end that a waiting store does not count on: who hands it out keeps one that counts for as
    /// long as something may come this way.
    #[must_use]
    pub fn uncounted_mailbox(&self) -> Mailbox {
        Mailbox { shared: Arc::clone(&self.shared), counts: false }
    }

    /// How long to spin before sleeping; zero turns spinning off.
    pub fn set_spin(&self, spin: Duration) {
        self.spin.set(spin);
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

    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    /// Takes everything out of the channel and gives how much waits now. First the flag, then the channel: the
    /// other order loses a wake-up.
    pub(crate) fn stage(&self) -> usize {
        // Only callbacks are to be called again and again; a task puts the flag down when it registers. Where there are
        // neither, the flag stays up, and both threads have it in their caches.
        if self.callbacks.get() > 0 {
            self.shared.rung.store(false, Ordering::SeqCst);
        }
        let mut staged = self.staged.borrow_mut();
        let before = staged.len();
        staged.extend(self.receiver.drain());
        self.note_received(staged.len() - before);
        staged.len()
    }

    fn note_received(&self, count: usize) {
        self.received.set(self.received.get() + count as u64);
    }

    pub(crate) fn next(&self) -> Option<Parcel> {
        self.staged.borrow_mut().pop_front()
    }

    /// Rings again if a bounded turn has left something.
    pub(crate) fn ring_if_left(&self) {
        if self.staged.borrow().is_empty() {
            // What has not come by now lost against something newer, which was told.
            self.doubted.borrow_mut().clear();
        } else {
            self.shared.ring();
        }
    }

    /// Whether what waits will bring a newer value of `id`.
    pub(crate) fn brings(&self, store: &ReactonStore, id: RefId) -> bool {
        // Taken out while they are asked; asking runs no user code.
        let mut staged = self.staged.borrow_mut();
        let before = staged.len();
        staged.extend(self.receiver.drain());
        self.note_received(staged.len() - before);
        let brings = staged.iter().any(|arrival| arrival.brings(store, id));
        let mut doubted = self.doubted.borrow_mut();
        if brings && !doubted.contains(&id) {
            doubted.push(id);
        }
        brings
    }

    /// Whether `id` was said to be stale since it came last. From now on it was not.
    pub(crate) fn settle(&self, id: RefId) -> bool {
        let mut doubted = self.doubted.borrow_mut();
        let at = doubted.iter().position(|doubt| *doubt == id);
        at.map(|at| doubted.swap_remove(at)).is_some()
    }

    /// Sleeps until something is there, the deadline passes, or nothing can come any more.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Waited {
        // The channel itself is looked at last: its lock is the sender's, too.
        if !self.staged.borrow().is_empty() {
            return Waited::Arrived;
        }
        if self.is_disconnected() {
            return Waited::Disconnected;
        }
        if self.spin_until_sent() {
            return Waited::Arrived;
        }
        let arrival = match deadline {
            Some(deadline) => self.receiver.recv_deadline(deadline).ok(),
            None => self.receiver.recv().ok(),
        };
        match arrival {
            Some(arrival) => {
                self.note_received(1);
                self.staged.borrow_mut().push_back(arrival);
                Waited::Arrived
            }
            None => Waited::TimedOut,
        }
    }

    /// Waking a sleeping thread costs tens of microseconds; a thread that yields in a loop is there at once.
    ///
    /// It is there sooner if it looks often, but not where whoever is to send waits for this very core: so it looks often
    /// only after a yield that nobody made use of. It does not look at once: an answer takes longer, and in a flood more
    /// than one message comes meanwhile, so that the two threads do not wait for each other at each.
    fn spin_until_sent(&self) -> bool {
        let spin = self.spin.get();
        if spin.is_zero() {
            return false;
        }
        let begin = Instant::now();
        let (mut now, mut next_yield) = (begin, begin);
        if self.alone.get() {
            next_yield += ALONE;
            while now.duration_since(begin) < SETTLE {
                hint::spin_loop();
                now = Instant::now();
            }
        }
        loop {
            // What was received may be ahead of what was sent: it is counted after it is in the channel.
            if self.shared.sent.0.load(Ordering::SeqCst) > self.received.get() {
                return true;
            }
            if now.duration_since(begin) >= spin {
                return false;
            }
            if now >= next_yield {
                thread::yield_now();
                let back = Instant::now();
                self.alone.set(back.duration_since(now) < USED);
                now = back;
                next_yield = if self.alone.get() { back + ALONE } else { back };
            } else {
                hint::spin_loop();
                now = Instant::now();
            }
        }
    }

    pub(crate) fn is_disconnected(&self) -> bool {
        // In this order: a mailbox that is dropped has sent everything before.
        self.shared.mailboxes.load(Ordering::SeqCst) == 0 && self.is_empty()
    }

    /// Takes nothing in any more; what waits is dropped.
    pub(crate) fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.discard();
        let staged = std::mem::take(&mut *self.staged.borrow_mut());
        drop(staged);
        let wakers = std::mem::take(&mut *self.wakers());
        for (_, task) in wakers.tasks {
            // It waits for a turn that will bring nothing.
            wake(task);
        }
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, Wakers> {
        self.shared.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_waker(&self, wake: &Wake) -> u64 {
        self.callbacks.set(self.callbacks.get() + 1);
        let waker = {
            let mut wakers = self.wakers();
            wakers.given += 1;
            let waker = wakers.given;
            wakers.callbacks.push((waker, Arc::clone(wake)));
            waker
        };
        // A ring that came late, for what was taken in before, must not silence the next one.
        self.shared.rung.store(false, Ordering::SeqCst);
        if !self.is_empty() {
            guarded(|| wake());
        }
        waker
    }

    pub(crate) fn forget_waker(&self, waker: u64) {
        let forgotten = {
            let mut wakers = self.wakers();
            let at = wakers.callbacks.iter().position(|(number, _)| *number == waker);
            at.map(|at| wakers.callbacks.remove(at))
        };
        self.callbacks.set(self.callbacks.get() - usize::from(forgotten.is_some()));
        drop(forgotten);
    }

    /// Registers a task to be woken by the next arrival. Gives whether there is nothing to take in yet.
    pub(crate) fn register(&self, waiting: &mut Waiting, task: &Waker) -> bool {
        // Cloned and dropped outside of the lock: that is the executor's code.
        let task = task.clone();
        let displaced = {
            let mut wakers = self.wakers();
            let number = *waiting.0.get_or_insert_with(|| {
                wakers.given += 1;
                wakers.given
            });
            let known = wakers.tasks.iter_mut().find(|(known, _)| *known == number);
            if let Some((_, known)) = known {
                Some(std::mem::replace(known, task))
            } else {
                wakers.tasks.push((number, task));
                None
            }
        };
        drop(displaced);
        self.shared.rung.store(false, Ordering::SeqCst);
        self.is_empty()
    }

    /// Lets a task go that waits no more.
    pub(crate) fn forget_task(&self, waiting: &Waiting) {
        let Some(number) = waiting.0 else { return };
        let forgotten = {
            let mut wakers = self.wakers();
            let at = wakers.tasks.iter().position(|(known, _)| *known == number);
            at.map(|at| wakers.tasks.swap_remove(at))
        };
        drop(forgotten);
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

/// A future's or a stream's place among the tasks that wait for an arrival.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Option<u64>);

impl Drop for Inbox {
    fn drop(&mut self) {
        // One that never became a store, or whose store is gone already.
        self.close();
    }
}

/// How long a spin looks between yields that nobody makes use of. A yield takes a third of a microsecond.
const ALONE: Duration = Duration::from_nanos(1500);

/// How long it does not look at first.
const SETTLE: Duration = Duration::from_nanos(150);

/// A yield that takes so long has let another thread run.
const USED: Duration = Duration::from_nanos(700);

fn default_spin() -> Duration {
    // Asked once: the answer takes reading a dozen files of the system.
    static SPIN: LazyLock<Duration> = LazyLock::new(|| match thread::available_parallelism() {
        Ok(cores) if cores.get() > 1 => Duration::from_micros(20),
        _ => Duration::ZERO,
    });
    *SPIN
}

#[cfg(test)]
mod tests;
