//! The sending end of a road: a stream of bytes to a store in another process. Bytes that the road does not take at
//! once wait here. The store's thread never blocks. It writes the first message after a pause itself, if the road takes
//! it. Messages that follow closely, or do not fit, are sent by the [writer](Sender::write_until_ended) on a thread of
//! its own, many frames with one write.

mod calls;
#[cfg(test)]
mod tests;
mod waiting;
mod writer;

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reacton_core::RefId;

pub(crate) use self::calls::FarCall;
use self::calls::FarCalls;
use super::latest::Pending;
use super::{Delivery, ReceiveCounter, SendCounter, Sent};
use crate::wire::change::{Change, ChangeList};
use crate::wire::frame::{Batch, LastWords};
use crate::wire::message::IsolateMessage;

/// The stream of bytes under a road. Both ends send and receive.
pub trait RoadSender: Send + Sync {
    /// Sends as many bytes as fit without blocking, and returns their number.
    ///
    /// # Errors
    /// If the road has ended.
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;
    /// As [`try_send`](Self::try_send), but waits until some bytes fit; not for long if it reports
    /// [apart](Self::reports_apart).
    ///
    /// # Errors
    /// If the road has ended.
    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Ends both directions at both ends. Blocked calls of [`send`](Self::send) and reads return.
    fn end(&self);
    /// Ends both directions when the other end has received everything.
    fn finish(&self) {
        self.end();
    }
    /// Whether [`report_taken`](Self::report_taken) does something.
    fn reports_apart(&self) -> bool {
        false
    }
    /// Reports to the other end how many of its messages were taken in, apart from the bytes: the other end may not read
    /// them now. Returns `false` if that is not possible now.
    fn report_taken(&self, _taken: u64) -> bool {
        false
    }
    /// Reports to the other end how the process of the worker has ended, apart from the bytes: its exit code, or the
    /// number of a signal.
    fn report_exit(&self, _code: Option<i32>, _signal: Option<i32>) {}
    /// The present time.
    fn now(&self) -> Instant {
        Instant::now()
    }
    /// Whether no thread writes to it: then a flush does.
    fn has_no_writer(&self) -> bool {
        false
    }
}

/// A message that follows sooner, and is no answer, is left to the writer, which sends many at once.
const PAUSE: Duration = Duration::from_micros(20);

/// The sending end of a road.
pub(crate) struct Sender {
    delivery: Delivery,
    state: Mutex<State>,
    changed: Condvar,
    /// The number of the other end's messages that this end has applied or merged.
    taken: AtomicU64,
    /// How many of these were merged.
    merged: AtomicU64,
    /// The value of `taken` that was last reported apart from the bytes.
    apart: AtomicU64,
    /// The writer checks `taken` by itself.
    looks: AtomicBool,
    /// A message has arrived since the store's thread last wrote: its next message may be an answer.
    heard: AtomicBool,
    /// The last message was sent: the worker was asked to end.
    drained: AtomicBool,
    /// The longest value that may be sent, in bytes.
    max_value: AtomicU64,
    /// On the side that asks: the calls at the worker.
    calls: FarCalls,
}

/// Whether a message is sent at once, even if it closely follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// The other side waits for it.
    Now,
    /// Sent together with what follows closely.
    Soon,
}

struct State {
    road: Option<Arc<dyn RoadSender>>,
    /// The road, after it has refused bytes. Its receiving side goes on until this sender is ended.
    refused: Option<Arc<dyn RoadSender>>,
    /// Until the worker may begin, only these frames are sent, and everything else waits.
    first: Option<Batch>,
    batch: Batch,
    /// An empty batch with the memory of one that has gone.
    spare: Batch,
    /// Under [`Delivery::Latest`]: messages that are merged until the road takes them.
    pending: Pending,
    /// Until there is a road: long values that may be sent and are not queued yet.
    admitted: Vec<(RefId, usize)>,
    /// Counts the messages put into the batch; merged ones count as one.
    counter: SendCounter,
    /// A thread is writing what it took out of the batch.
    writing: bool,
    /// Where there is no writer: who writes now has to send everything.
    flushing: bool,
    /// When the store's thread last wrote.
    wrote: Option<Instant>,
    /// The value of `taken` that was last sent among the bytes.
    reported: u64,
    ended: bool,
}

impl State {
    fn has_work(&self) -> bool {
        let is_empty = match &self.first {
            Some(first) => first.is_empty(),
            None => self.batch.is_empty() && self.pending.is_empty(),
        };
        self.road.is_some() && !self.writing && !is_empty
    }

    fn encode(&mut self, message: &IsolateMessage) {
        self.batch.message(message);
        self.counter.count_sent();
    }

    /// Encodes the merged messages. They were counted as one when the first was added.
    fn encode_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending).into_messages();
        for (at, message) in pending.iter().enumerate() {
            self.batch.message(message);
            if at > 0 {
                self.counter.count_sent();
            }
        }
    }

    /// Takes the bytes to send next.
    fn take(&mut self, taken: u64) -> Batch {
        if self.first.is_none() && self.batch.is_empty() {
            self.encode_pending();
        }
        let spare = std::mem::take(&mut self.spare);
        let mut batch = std::mem::replace(self.first.as_mut().unwrap_or(&mut self.batch), spare);
        // Appended last: part of the first frame may already be sent, or the batch may hold an earlier acknowledgement.
        if taken != self.reported {
            self.reported = taken;
            batch.taken(taken);
        }
        batch
    }

    /// Called when the other end is gone. What it sent before can still be received.
    fn lose(&mut self) {
        self.ended = true;
        self.refused = self.road.take().or(self.refused.take());
        self.first = None;
        (self.batch, self.spare) = (Batch::default(), Batch::default());
        self.pending = Pending::default();
    }

    /// Puts back the bytes that the road did not take, before those added meanwhile.
    fn put_back(&mut self, mut batch: Batch) {
        if batch.is_empty() {
            self.spare = batch;
        } else if !self.ended {
            let place = self.first.as_mut().unwrap_or(&mut self.batch);
            batch.append(std::mem::take(place));
            *place = batch;
        }
    }
}

impl Sender {
    pub(crate) fn new(delivery: Delivery, counter: SendCounter) -> Self {
        let state = State {
            road: None,
            refused: None,
            first: None,
            batch: Batch::default(),
            spare: Batch::default(),
            pending: Pending::default(),
            admitted: Vec::new(),
            counter,
            writing: false,
            flushing: false,
            wrote: None,
            reported: 0,
            ended: false,
        };
        Self {
            delivery,
            state: Mutex::new(state),
            changed: Condvar::new(),
            taken: AtomicU64::new(0),
            merged: AtomicU64::new(0),
            apart: AtomicU64::new(0),
            looks: AtomicBool::new(false),
            heard: AtomicBool::new(false),
            drained: AtomicBool::new(false),
            max_value: AtomicU64::new(u64::MAX),
            calls: FarCalls::default(),
        }
    }

    /// Reports apart from the bytes what was taken in, where that is possible.
    fn report_apart(&self, road: &dyn RoadSender) {
        let taken = self.taken.load(Ordering::SeqCst);
        if road.reports_apart()
            && self.apart.load(Ordering::SeqCst) != taken
            && road.report_taken(taken)
        {
            self.apart.store(taken, Ordering::SeqCst);
        }
    }

    /// Whether the other end knows what was taken in, or will know it even if it reads no bytes.
    fn is_reported(&self, state: &State, road: &dyn RoadSender) -> bool {
        let taken = self.taken.load(Ordering::SeqCst);
        taken
            == if road.reports_apart() { self.apart.load(Ordering::SeqCst) } else { state.reported }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The longest value that may be sent, in bytes.
    pub(crate) fn max_value(&self) -> u64 {
        self.max_value.load(Ordering::Relaxed)
    }

    /// From now on no longer value may be sent.
    pub(crate) fn limit(&self, max_value: u64) {
        self.max_value.fetch_min(max_value, Ordering::Relaxed);
    }

    /// Attaches the road. Returns `false` if the sender has ended.
    pub(crate) fn attach(&self, road: Arc<dyn RoadSender>) -> bool {
        self.attach_with(road, None)
    }

    /// As [`attach`](Self::attach), but sends only the first frames until [`release`](Self::release) is called: a worker
    /// reads no message of the link before it may begin.
    pub(crate) fn attach_held(&self, road: Arc<dyn RoadSender>, first: Batch) -> bool {
        self.attach_with(road, Some(first))
    }

    fn attach_with(&self, road: Arc<dyn RoadSender>, first: Option<Batch>) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        state.road = Some(road);
        state.first = first;
        state.admitted = Vec::new();
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Sends everything that was held, behind the frame that lets the worker begin.
    pub(crate) fn release(&self) {
        let mut state = self.state();
        if state.ended {
            return;
        }
        let mut first = state.first.take().unwrap_or_default();
        first.start();
        state.put_back(first);
        drop(state);
        self.changed.notify_all();
    }

    /// Sends a message, or merges it with what is queued. Never blocks.
    pub(crate) fn send(&self, message: IsolateMessage) -> Sent {
        if matches!(message, IsolateMessage::Drain) {
            self.drained.store(true, Ordering::Relaxed);
        }
        let mut displaced = ChangeList::NONE;
        let sent = self.put(Urgency::Soon, |state| match self.delivery {
            Delivery::Every => {
                state.encode(&message);
                Sent::Queued
            }
            Delivery::Latest => {
                let was_empty = state.pending.is_empty();
                if let IsolateMessage::ReactonValueChanged { changes, .. } = &message {
                    state.note_queued(changes);
                }
                displaced = state.pending.merge(message);
                if !was_empty {
                    return Sent::Merged;
                }
                state.counter.count_sent();
                Sent::Queued
            }
        });
        // Dropped outside of the lock.
        drop(displaced);
        sent
    }

    /// As [`send`](Self::send), for one change that this store wrote itself.
    pub(super) fn send_change(&self, clock: u64, change: Change) -> Sent {
        if self.delivery == Delivery::Latest {
            let changes = ChangeList::one(change);
            return self.send(IsolateMessage::ReactonValueChanged { clock, changes });
        }
        self.put(Urgency::Soon, |state| {
            state.batch.changes(clock, std::slice::from_ref(&change));
            state.counter.count_sent();
            Sent::Queued
        })
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
        let road =
            state.road.clone().filter(|_| state.first.is_none()).filter(|road| {
                urgency == Urgency::Now || !self.comes_closely(&mut state, road.now())
            });
        let Some(road) = road else {
            drop(state);
            self.changed.notify_all();
            return sent;
        };
        let state = self.write(state, &*road, Self::write_now);
        if state.has_work() || state.ended {
            drop(state);
            self.changed.notify_all();
        }
        sent
    }

    /// Whether a message closely follows another and is no answer. Records that it was sent.
    fn comes_closely(&self, state: &mut State, now: Instant) -> bool {
        let is_answer = self.heard.swap(false, Ordering::Relaxed);
        let before = state.wrote.replace(now);
        !is_answer && before.is_some_and(|wrote| now.duration_since(wrote) < PAUSE)
    }

    /// Called when a message has arrived from the other end.
    pub(crate) fn note_heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Counts an arrived message that was merged with a pending one.
    pub(crate) fn count_merged(&self, received: &ReceiveCounter) {
        self.merged.fetch_add(1, Ordering::SeqCst);
        self.report_received(received);
    }

    /// Acknowledges the messages that `received` counts as applied.
    pub(super) fn report_received(&self, received: &ReceiveCounter) {
        let taken = received.received() + self.merged.load(Ordering::SeqCst);
        self.taken.fetch_max(taken, Ordering::SeqCst);
        if !self.looks.load(Ordering::SeqCst) && !self.looks.swap(true, Ordering::SeqCst) {
            // The writer is asleep, or about to sleep.
            drop(self.state());
            self.changed.notify_all();
        }
    }

    /// Sends what is known of a panic and waits until it was sent, because the process may end with this panic.
    pub(crate) fn last_words(&self, words: &LastWords) {
        // If this thread panicked while it holds the lock, the panic is not reported, and nothing blocks.
        let Ok(mut state) = self.state.try_lock() else { return };
        if !state.ended {
            state.encode_pending();
            state.batch.last_words(words);
            drop(state);
            self.changed.notify_all();
            self.flush(LAST_WORDS_WITHIN);
        }
    }

    /// Ends the road at once. Queued bytes are dropped.
    pub(crate) fn end(&self) {
        self.end_with(|road| road.end());
    }

    /// Ends the road. What was sent can still be received.
    pub(crate) fn finish(&self) {
        self.end_with(|road| road.finish());
    }

    fn end_with(&self, end: impl FnOnce(&dyn RoadSender)) {
        let mut state = self.state();
        state.lose();
        let road = state.refused.take();
        drop(state);
        if let Some(road) = road {
            end(&*road);
        }
        self.changed.notify_all();
    }

    /// Whether the worker was asked to end.
    pub(crate) fn has_drained(&self) -> bool {
        self.drained.load(Ordering::Relaxed)
    }

    /// Whether nothing can be sent any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.state().ended
    }
}

/// How long a panicking process waits until its report was sent.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
