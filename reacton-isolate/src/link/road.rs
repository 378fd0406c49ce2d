//! The sending end of a road: a stream of bytes to a store in another process. What does not go at once waits here.
//!
//! The store's thread never blocks. The first message after a pause it writes itself, if the road takes it at once. What
//! follows closely, or does not fit, the [writer](Sender::write_until_ended) sends on a thread of its own, many frames a write.

mod calls;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::calls::FarCalls;
use super::latest::Pending;
use super::{Delivery, ReceiveCounter, SendCounter, Sent};
use crate::wire::change::{Change, ChangeList};
use crate::wire::frame::{Batch, LastWords};
use crate::wire::message::IsolateMessage;

/// What carries the bytes. The two ends of it are those of one stream, which has two directions.
pub(crate) trait RoadSender: Send + Sync {
    /// Sends what the road takes at once, and returns how many bytes that was. Never blocks.
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;
    /// As [`try_send`](Self::try_send), but waits until the road takes something.
    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Ends both directions, at both ends. What waits in [`send`](Self::send) or for something to arrive returns.
    fn end(&self);
    /// The present time.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A message that comes sooner after the one before, and is no answer, is left to the writer, which sends many at once.
const PAUSE: Duration = Duration::from_micros(20);

/// So much later than its messages an acknowledgement may go.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(1);

/// The sending end of a road.
pub(crate) struct Sender {
    state: Mutex<State>,
    changed: Condvar,
    /// So many messages of the other end this end has applied, or merged into others.
    taken: AtomicU64,
    /// Of those, so many were merged.
    merged: AtomicU64,
    /// The writer looks at `taken` by itself.
    looks: AtomicBool,
    /// A message has arrived since the store's thread wrote last: what it sends now may be an answer.
    heard: AtomicBool,
    /// Of the side that asks.
    calls: FarCalls,
}

/// Whether something is sent at once, however soon it comes after the message before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// The other side waits for it.
    Now,
    /// With what follows closely.
    Soon,
}

struct State {
    road: Option<Arc<dyn RoadSender>>,
    delivery: Delivery,
    batch: Batch,
    /// Under [`Delivery::Latest`], messages that are merged until the road takes them.
    pending: Pending,
    /// Counts the messages that were put into the batch, and what is merged as one.
    counter: SendCounter,
    /// A thread writes what it has taken out of the batch.
    writing: bool,
    /// When the store's thread wrote last.
    wrote: Option<Instant>,
    /// What of `taken` the other end has been sent.
    reported: u64,
    ended: bool,
}

impl State {
    fn has_work(&self) -> bool {
        self.road.is_some() && !self.writing && !(self.batch.is_empty() && self.pending.is_empty())
    }

    fn encode(&mut self, message: &IsolateMessage) {
        self.batch.message(message);
        self.counter.count_sent();
    }

    /// Encodes what was merged. It was counted as one message when it began.
    fn encode_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending).into_messages();
        for (at, message) in pending.iter().enumerate() {
            self.batch.message(message);
            if at > 0 {
                self.counter.count_sent();
            }
        }
    }

    /// Takes out what is to be sent next.
    fn take(&mut self, taken: u64) -> Batch {
        if self.batch.is_empty() {
            self.encode_pending();
        }
        // Behind all that waits: a part of its first frame may have gone, and it may hold an earlier acknowledgement.
        if taken != self.reported {
            self.reported = taken;
            self.batch.taken(taken);
        }
        std::mem::take(&mut self.batch)
    }

    /// The other end is gone. What it has sent before can still be received.
    fn lose(&mut self) {
        self.ended = true;
        self.road = None;
        self.batch = Batch::default();
        self.pending = Pending::default();
    }

    /// Puts back what the road did not take, before what was added meanwhile.
    fn put_back(&mut self, mut batch: Batch) {
        if !batch.is_empty() && !self.ended {
            batch.append(std::mem::take(&mut self.batch));
            self.batch = batch;
        }
    }
}

impl Sender {
    pub(crate) fn new(delivery: Delivery, counter: SendCounter) -> Self {
        let state = State {
            road: None,
            delivery,
            batch: Batch::default(),
            pending: Pending::default(),
            counter,
            writing: false,
            wrote: None,
            reported: 0,
            ended: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            taken: AtomicU64::new(0),
            merged: AtomicU64::new(0),
            looks: AtomicBool::new(false),
            heard: AtomicBool::new(false),
            calls: FarCalls::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The road is there. What `first` holds goes before what has been sent meanwhile. Returns `false` if the sender has ended.
    pub(crate) fn attach(&self, road: Arc<dyn RoadSender>, first: Batch) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        state.road = Some(road);
        state.put_back(first);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Sends a message, or merges it into what waits. Never blocks.
    pub(crate) fn send(&self, message: IsolateMessage) -> Sent {
        let mut displaced = ChangeList::NONE;
        let sent = self.put(Urgency::Soon, |state| match state.delivery {
            Delivery::Every => {
                state.encode(&message);
                Sent::Queued
            }
            Delivery::Latest => {
                let was_empty = state.pending.is_empty();
                displaced = state.pending.merge(message);
                if !was_empty {
                    return Sent::Merged;
                }
                state.counter.count_sent();
                Sent::Queued
            }
        });
        // Outside of the lock.
        drop(displaced);
        sent
    }

    /// As [`send`](Self::send), for one change that this store wrote itself.
    pub(super) fn send_change(&self, clock: u64, change: Change) -> Sent {
        if self.state().delivery == Delivery::Latest {
            let changes = ChangeList::one(change);
            return self.send(IsolateMessage::ReactonValueChanged { clock, changes });
        }
        self.put(Urgency::Soon, |state| {
            state.batch.changes(clock, std::slice::from_ref(&change));
            state.counter.count_sent();
            Sent::Queued
        })
    }

    /// Sends a frame that is no message of the link, whatever waits behind it.
    pub(crate) fn send_frame(&self, encode: impl FnOnce(&mut Batch)) {
        self.put(Urgency::Soon, |state| {
            encode(&mut state.batch);
            Sent::Queued
        });
    }

    fn put(&self, urgency: Urgency, put: impl FnOnce(&mut State) -> Sent) -> Sent {
        let mut state = self.state();
        if state.ended {
            return Sent::Queued;
        }
        let is_behind = state.writing || state.has_work();
        let sent = put(&mut state);
        if state.writing || is_behind {
            return sent;
        }
        let road = state
            .road
            .clone()
            .filter(|road| urgency == Urgency::Now || !self.comes_closely(&mut state, road.now()));
        let Some(road) = road else {
            drop(state);
            self.changed.notify_all();
            return sent;
        };
        let state = self.write(state, &*road, write_now);
        if state.has_work() || state.ended {
            drop(state);
            self.changed.notify_all();
        }
        sent
    }

    /// Whether a message comes soon after the one before, and is no answer. Notes that it comes.
    fn comes_closely(&self, state: &mut State, now: Instant) -> bool {
        let is_answer = self.heard.swap(false, Ordering::Relaxed);
        let before = state.wrote.replace(now);
        !is_answer && before.is_some_and(|wrote| now.duration_since(wrote) < PAUSE)
    }

    /// Writes what is to be sent next, outside of the lock. What the road does not take stays the first.
    fn write<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        road: &dyn RoadSender,
        write: fn(&dyn RoadSender, &mut Batch) -> io::Result<()>,
    ) -> MutexGuard<'s, State> {
        state.writing = true;
        let mut batch = state.take(self.taken.load(Ordering::SeqCst));
        drop(state);
        let result = write(road, &mut batch);
        let mut state = self.state();
        state.writing = false;
        if result.is_err() {
            state.lose();
        }
        state.put_back(batch);
        state
    }

    /// Whether [`write_some`](Self::write_some) has something to send.
    pub(crate) fn is_due(&self) -> bool {
        let state = self.state();
        let is_reported = self.taken.load(Ordering::SeqCst) == state.reported;
        state.has_work() || !is_reported && state.road.is_some() && !state.writing
    }

    /// Whether all that was sent has gone, or never will.
    pub(crate) fn is_flushed(&self) -> bool {
        let state = self.state();
        state.ended || !(state.writing || state.has_work())
    }

    /// Sends as much as the road takes at once of what waits: the work of the writer where it is no thread.
    pub(crate) fn write_some(&self) {
        if self.is_due() {
            let state = self.state();
            if let Some(road) = state.road.clone() {
                drop(self.write(state, &*road, write_now));
            }
        }
    }

    /// Sends what waits, until the road has ended. The whole life of the writer's thread.
    pub(crate) fn write_until_ended(&self) {
        let mut state = self.state();
        while !state.ended {
            let taken = self.taken.load(Ordering::SeqCst);
            let is_due = state.has_work();
            let Some(road) = state.road.clone().filter(|_| !state.writing) else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if !is_due {
                let is_late;
                (state, is_late) = self.wait_for_work(state, taken);
                if !is_late || state.writing || state.ended {
                    continue;
                }
            }
            state = self.write(state, &*road, write_all);
            // A flush may wait for this.
            self.changed.notify_all();
        }
    }

    /// Waits for something to send. As long as messages are applied, the writer looks each millisecond how many; otherwise it
    /// sleeps. Returns whether an acknowledgement is due.
    fn wait_for_work<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
        taken: u64,
    ) -> (MutexGuard<'s, State>, bool) {
        if self.looks.load(Ordering::SeqCst) {
            let waited = self.changed.wait_timeout(state, ACKNOWLEDGED_WITHIN);
            let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            let is_late = self.taken.load(Ordering::SeqCst) != state.reported;
            if timeout.timed_out() && !is_late {
                self.looks.store(false, Ordering::SeqCst);
            }
            return (state, timeout.timed_out() && is_late);
        }
        if taken != state.reported {
            self.looks.store(true, Ordering::SeqCst);
            return (state, false);
        }
        // Looked at again after `looks` was reset: what was reported before that is seen.
        if self.taken.load(Ordering::SeqCst) != state.reported {
            return (state, false);
        }
        (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), false)
    }

    /// A message has arrived from the other end.
    pub(crate) fn note_heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// A message that arrived was merged into one that waits for this end.
    pub(crate) fn count_merged(&self, received: &ReceiveCounter) {
        self.merged.fetch_add(1, Ordering::SeqCst);
        self.report_received(received);
    }

    /// This end has applied what `received` counts.
    pub(super) fn report_received(&self, received: &ReceiveCounter) {
        let taken = received.received() + self.merged.load(Ordering::SeqCst);
        self.taken.fetch_max(taken, Ordering::SeqCst);
        if !self.looks.load(Ordering::SeqCst) && !self.looks.swap(true, Ordering::SeqCst) {
            // The writer is on its way to sleep, or sleeps.
            drop(self.state());
            self.changed.notify_all();
        }
    }

    /// Waits until all that was sent has gone, for at most `timeout`.
    pub(crate) fn flush(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        while !state.ended && (state.writing || state.has_work()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sends what is known of a panic, and waits until it has gone: the process may end with this panic.
    pub(crate) fn last_words(&self, words: &LastWords) {
        // A panic while this thread has the lock, which has no words, blocks nothing.
        let Ok(mut state) = self.state.try_lock() else { return };
        if !state.ended {
            state.encode_pending();
            state.batch.last_words(words);
            drop(state);
            self.changed.notify_all();
            self.flush(LAST_WORDS_WITHIN);
        }
    }

    /// Ends the road at once. What has not gone is dropped.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        let road = state.road.take();
        state.lose();
        drop(state);
        if let Some(road) = road {
            road.end();
        }
        self.changed.notify_all();
    }
}

/// A process that panics waits for so long until its last words have gone.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);

/// Writes what the road takes at once.
fn write_now(road: &dyn RoadSender, batch: &mut Batch) -> io::Result<()> {
    while !batch.is_empty() {
        let (slices, count) = batch.slices();
        match road.try_send(&slices[..count])? {
            0 => break,
            gone => batch.advance(gone),
        }
    }
    Ok(())
}

fn write_all(road: &dyn RoadSender, batch: &mut Batch) -> io::Result<()> {
    while !batch.is_empty() {
        let (slices, count) = batch.slices();
        let gone = road.send(&slices[..count])?;
        batch.advance(gone);
    }
    Ok(())
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
