//! The ticket of a call, which both sides hold: it has the question, the stage of the call and its one outcome.

mod answered;
#[cfg(feature = "process")]
mod far;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use reacton_core::RefId;
use reacton_core::panics::{contained, wake};

pub use self::answered::Answered;
use super::value::{Encoded, Payload};
use crate::error::CallError;

/// The declaration of a call: its id and its path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallRef {
    pub(crate) id: RefId,
    pub(crate) name: &'static str,
}

/// Identifies a job or a call: its number in the queue, or the number of a call that was sent on the link.
#[cfg(feature = "process")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkKey {
    pub(crate) queued: bool,
    pub(crate) number: u64,
}

/// Notifies a worker in another process that a call has ended.
#[cfg(feature = "process")]
type OnCancel = Box<dyn FnOnce() + Send>;

/// The outcome of a call.
pub(crate) type Outcome = Result<Payload, CallError>;

/// One call, for the side that asks and the side that answers.
pub(crate) struct Ticket {
    call: CallRef,
    worker: Arc<str>,
    /// Whether the answer is sent on the link, in order with transactions.
    by_link: bool,
    /// Whether the call was cancelled. Written under the lock of `state`.
    cancelled: AtomicBool,
    /// Whether the call has failed because its worker has ended. Written under the lock of `state`.
    died: AtomicBool,
    /// Whether it is listed among the calls that are awaited on the thread of their store.
    attended: AtomicBool,
    state: Mutex<State>,
    done: Condvar,
    /// Called when the worker has finished the call.
    limit: Option<Arc<dyn Limit>>,
    /// In the process of a worker: the key by which the other process identifies the call.
    #[cfg(feature = "process")]
    key: Option<WorkKey>,
}

/// Counts unanswered calls.
pub(crate) trait Limit: Send + Sync {
    /// Called when one more call is answered.
    fn release(&self);
}

struct State {
    stage: Stage,
    /// Kept until there is an outcome, because the call may be repeated.
    question: Option<Payload>,
    /// `None` before there is an outcome, and after it was returned. While the ticket travels back, the worker owns the
    /// outcome.
    outcome: Option<Outcome>,
    /// Whether the worker has panicked while it answered.
    faulted: bool,
    /// Whether it counts against the limit of its caller.
    reserved: bool,
    waker: Option<Waker>,
    /// Whether a thread blocks until there is an outcome. Without a waiting thread, the system call that notifies it is
    /// not needed.
    joined: bool,
    /// Called when the call is cancelled, or ends without an answer.
    #[cfg(feature = "process")]
    on_cancel: Option<OnCancel>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No worker has begun to answer.
    Waiting,
    /// A worker is answering.
    Running,
    /// The answer was sent, and has not arrived.
    Answered,
    /// The outcome is certain. The call stops counting against the limit of its caller.
    Completing,
    /// There is an outcome.
    Done,
}

impl State {
    /// Whether the outcome is certain. Later ones are ignored.
    fn is_decided(&self) -> bool {
        matches!(self.stage, Stage::Completing | Stage::Done)
    }

    /// The outcome, once it has arrived.
    fn take_outcome(&mut self) -> Option<Outcome> {
        if self.stage == Stage::Done { self.outcome.take() } else { None }
    }
}

impl Ticket {
    pub(crate) fn new(
        call: CallRef,
        worker: Arc<str>,
        question: Payload,
        by_link: bool,
        limit: Option<Arc<dyn Limit>>,
    ) -> Self {
        let state = State {
            stage: Stage::Waiting,
            question: Some(question),
            outcome: None,
            faulted: false,
            reserved: false,
            waker: None,
            joined: false,
            #[cfg(feature = "process")]
            on_cancel: None,
        };
        Self {
            call,
            worker,
            by_link,
            cancelled: AtomicBool::new(false),
            died: AtomicBool::new(false),
            attended: AtomicBool::new(false),
            state: Mutex::new(state),
            done: Condvar::new(),
            limit,
            #[cfg(feature = "process")]
            key: None,
        }
    }

    /// Makes the ticket of a call that has failed before it was sent.
    pub(crate) fn refused(call: CallRef, worker: Arc<str>, error: CallError) -> Self {
        let ticket = Self::new(call, worker, Payload::Bytes(Encoded::from(&[][..])), false, None);
        ticket.complete(Err(error));
        ticket
    }

    pub(crate) fn call(&self) -> CallRef {
        self.call
    }

    pub(crate) fn worker(&self) -> &str {
        &self.worker
    }

    pub(crate) fn is_by_link(&self) -> bool {
        self.by_link
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called when a worker begins to answer. Returns the question; `None` if the call has ended.
    pub(crate) fn begin(&self) -> Option<Payload> {
        let mut state = self.state();
        if state.is_decided() || self.is_cancelled() {
            return None;
        }
        state.stage = Stage::Running;
        state.question.clone()
    }

    /// Called when the worker has ended, and another one shall answer. Returns `false` if the call was cancelled.
    pub(crate) fn give_again(&self) -> bool {
        let mut state = self.state();
        if self.is_cancelled() {
            return false;
        }
        if state.stage == Stage::Running {
            state.stage = Stage::Waiting;
            state.faulted = false;
        }
        true
    }

    /// Called when the worker panics while it answers.
    pub(crate) fn note_fault(&self) {
        self.state().faulted = true;
    }

    /// Whether the worker has panicked while it answered.
    pub(crate) fn is_faulted(&self) -> bool {
        self.state().faulted
    }

    /// The error of a call whose worker has ended with this message.
    pub(crate) fn death(&self, message: String, location: Option<String>) -> CallError {
        let (call, worker) = (self.call.name, self.worker.to_string());
        if self.is_faulted() {
            CallError::Panicked { call, worker, message, location }
        } else {
            CallError::Died { call, worker, message }
        }
    }

    pub(crate) fn disposal(&self) -> CallError {
        CallError::Disposed { call: self.call.name, worker: self.worker.to_string() }
    }

    pub(crate) fn cancellation(&self) -> CallError {
        CallError::Cancelled { call: self.call.name }
    }

    /// Called when the worker has answered, and the ticket itself is sent back.
    pub(crate) fn answer(&self, outcome: Outcome) {
        let mut state = self.state();
        if state.is_decided() {
            drop(state);
            return contained(|| drop(outcome));
        }
        state.stage = Stage::Answered;
        state.outcome = Some(outcome);
    }

    /// Called when the ticket has arrived with its answer.
    pub(crate) fn deliver(&self) {
        let mut state = self.state();
        let outcome = if state.stage == Stage::Answered { state.outcome.take() } else { None };
        drop(state);
        if let Some(outcome) = outcome {
            self.complete(outcome);
        }
    }

    /// Records that the answer was sent, so no other worker answers.
    fn note_answered(&self) {
        let mut state = self.state();
        if !state.is_decided() {
            state.stage = Stage::Answered;
        }
    }

    /// Whether a worker has begun to answer.
    pub(crate) fn has_begun(&self) -> bool {
        self.state().stage == Stage::Running
    }

    /// Whether the worker has finished it: the answer was sent, or the call has ended for another reason.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state().stage, Stage::Answered | Stage::Completing | Stage::Done)
    }

    /// Whether the call has failed because its worker has ended.
    pub(crate) fn has_died(&self) -> bool {
        self.died.load(Ordering::SeqCst)
    }

    /// Sets the outcome, if there is none yet.
    pub(crate) fn complete(&self, outcome: Outcome) {
        let mut state = self.state();
        if state.is_decided() {
            drop(state);
            return contained(|| drop(outcome));
        }
        // Released before there is an outcome, because code that has received the answer may make the next call at
        // once.
        if let Some(limit) = self.limit.as_ref().filter(|_| state.reserved) {
            state.reserved = false;
            state.stage = Stage::Completing;
            drop(state);
            limit.release();
            state = self.state();
        }
        state.stage = Stage::Done;
        if matches!(outcome, Err(CallError::Panicked { .. } | CallError::Died { .. })) {
            self.died.store(true, Ordering::SeqCst);
        }
        let question = state.question.take();
        let waker = state.waker.take();
        // An error from outside is reported to the worker, which may still be answering.
        if outcome.is_err() {
            self.cancelled.store(true, Ordering::SeqCst);
        }
        let displaced = state.outcome.replace(outcome);
        let joined = state.joined;
        #[cfg(feature = "process")]
        let on_cancel = state.on_cancel.take().filter(|_| self.is_cancelled());
        drop(state);
        #[cfg(feature = "process")]
        if let Some(on_cancel) = on_cancel {
            on_cancel();
        }
        if joined {
            self.done.notify_all();
        }
        if let Some(waker) = waker {
            wake(waker);
        }
        contained(|| drop((question, displaced)));
    }

    /// Counts it against the limit of its caller until there is an outcome. Returns `false` if there is one already.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = self.state();
        state.reserved = !state.is_decided();
        state.reserved
    }

    /// Cancels the call. If no worker has begun to answer, the call ends.
    pub(crate) fn cancel(&self) {
        #[cfg_attr(not(feature = "process"), expect(unused_mut, reason = "as with processes"))]
        let mut state = self.state();
        self.cancelled.store(true, Ordering::SeqCst);
        // From here on no worker can begin to answer.
        let is_waiting = state.stage == Stage::Waiting;
        #[cfg(feature = "process")]
        let on_cancel = state.on_cancel.take();
        drop(state);
        #[cfg(feature = "process")]
        if let Some(on_cancel) = on_cancel {
            on_cancel();
        }
        if is_waiting {
            self.complete(Err(self.cancellation()));
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Sets whether it is listed among the calls that are awaited on the thread of their store. Returns the old value.
    pub(crate) fn set_attended(&self, attended: bool) -> bool {
        self.attended.swap(attended, Ordering::SeqCst)
    }

    /// Whether there is an outcome.
    pub(crate) fn is_done(&self) -> bool {
        self.state().stage == Stage::Done
    }

    /// Returns the outcome, once. If there is none, registers the waker. Wakers are cloned and dropped outside of the
    /// lock.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Outcome> {
        if let Some(outcome) = self.take() {
            return Poll::Ready(outcome);
        }
        let waker = context.waker().clone();
        let mut state = self.state();
        if let Some(outcome) = state.take_outcome() {
            drop(state);
            drop(waker);
            return Poll::Ready(outcome);
        }
        let displaced = state.waker.replace(waker);
        drop(state);
        drop(displaced);
        Poll::Pending
    }

    /// Registers a waker, as a poll does.
    pub(crate) fn wake_by(&self, waker: Waker) {
        let mut state = self.state();
        let displaced = state.waker.replace(waker);
        drop(state);
        drop(displaced);
    }

    /// Wakes the task that waits.
    pub(crate) fn wake(&self) {
        let waker = self.state().waker.take();
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Returns the outcome, once, if there is one.
    pub(crate) fn take(&self) -> Option<Outcome> {
        self.take_from(&mut self.state())
    }

    fn take_from(&self, state: &mut State) -> Option<Outcome> {
        if let Some(outcome) = state.take_outcome() {
            return Some(outcome);
        }
        // A running call that was cancelled has no outcome yet, but has ended for its caller.
        let is_over = state.stage != Stage::Done && self.is_cancelled();
        is_over.then(|| Err(self.cancellation()))
    }

    /// Blocks until there is an outcome or the deadline has passed.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Option<Outcome> {
        let mut state = self.state();
        loop {
            state.joined = true;
            if let Some(outcome) = self.take_from(&mut state) {
                return Some(outcome);
            }
            let Some(deadline) = deadline else {
                state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.done.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("call", &self.call.name).finish_non_exhaustive()
    }
}
