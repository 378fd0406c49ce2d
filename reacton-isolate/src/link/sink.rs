//! The queue of a link whose far end is no store: what was committed waits here, merged as under
//! [`Delivery::Latest`](super::Delivery::Latest), until a thread takes it.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reacton_core::{InlineItem, Mailbox};

use super::latest::{Pending, Place};
use super::stats::ReportItem;
use super::{LinkId, Sent};
use crate::wire::change::Change;
use crate::wire::message::IsolateMessage;

/// What waits for the thread of a sink.
pub struct SinkQueue {
    link: LinkId,
    /// The inbox of the store. It does not keep a wait open.
    main: Mailbox,
    state: Mutex<State>,
    /// Notified when the first change is put, when a flush is asked for, and at the end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pending: Pending,
    /// How often the store's thread has asked that nothing waits any longer.
    asked: u64,
    closed: bool,
}

impl State {
    fn is_urgent(&self, answered: u64) -> bool {
        self.closed || self.asked > answered
    }
}

/// What the thread of a sink takes at a time.
#[derive(Debug)]
pub struct Taken {
    /// Whole transactions, composed: one change of each reacton.
    pub changes: Vec<Change>,
    /// The number of the last request that was made before.
    pub asked: u64,
    /// Nothing follows.
    pub closed: bool,
}

impl SinkQueue {
    pub(crate) fn new(link: LinkId, main: Mailbox) -> Self {
        Self { link, main, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message of the store. A sink is sent changes, and the end.
    pub(super) fn put(&self, message: IsolateMessage) -> Sent {
        match message {
            IsolateMessage::ReactonValueChanged { .. } => {
                self.merge(|pending| pending.merge(message))
            }
            IsolateMessage::Closed { .. } => {
                self.close();
                Sent::Merged
            }
            _ => Sent::Merged,
        }
    }

    /// As [`put`](Self::put), for one change.
    pub(super) fn put_change(&self, clock: u64, change: Change, guess: &Place) -> Sent {
        self.merge(|pending| pending.merge_change(clock, change, guess))
    }

    /// What `merge` returns is dropped outside of the lock.
    fn merge<U>(&self, merge: impl FnOnce(&mut Pending) -> U) -> Sent {
        let (was_empty, displaced) = {
            let mut state = self.lock();
            let was_empty = state.pending.is_empty();
            (was_empty, merge(&mut state.pending))
        };
        drop(displaced);
        if !was_empty {
            return Sent::Merged;
        }
        self.changed.notify_all();
        Sent::Begun
    }

    /// Ends the sink: its thread takes what waits, and then nothing follows.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Asks that what was committed before is taken without delay. Returns the number of this request.
    pub fn ask(&self) -> u64 {
        let mut state = self.lock();
        state.asked += 1;
        self.changed.notify_all();
        state.asked
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lock().pending.is_empty()
    }

    /// Waits until changes wait, a request after that of the number `answered` is made, or the sink is closed.
    pub fn wait(&self, answered: u64) {
        let is_idle = |state: &mut State| state.pending.is_empty() && !state.is_urgent(answered);
        let woken = self.changed.wait_while(self.lock(), is_idle);
        drop(woken.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for this time, or until a request after that of the number `answered` is made, or the sink is closed.
    pub fn rest(&self, time: Duration, answered: u64) {
        let rests = |state: &mut State| !state.is_urgent(answered);
        let woken = self.changed.wait_timeout_while(self.lock(), time, rests);
        drop(woken.unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes what waits.
    pub fn take(&self) -> Taken {
        let (pending, asked, closed) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.pending), state.asked, state.closed)
        };
        let changes = pending.into_messages().into_iter().flat_map(|message| match message {
            IsolateMessage::ReactonValueChanged { changes, .. } => changes.into_iter().collect(),
            _ => Vec::new(),
        });
        Taken { changes: changes.collect(), asked, closed }
    }

    /// Has the events of the sink called in the next turn of the store.
    pub fn notify(&self) {
        let words = [self.link.0, 0, 0, 0, 0, 0, 0];
        self.main.post_inline(InlineItem { words, reader: &ReportItem });
    }
}

impl fmt::Debug for SinkQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkQueue").field("link", &self.link).finish_non_exhaustive()
    }
}
