//! One call on its way: its question goes to the worker, and exactly one outcome comes back.

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

/// Which call it is: its id, and the path of its declaration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallRef {
    pub(crate) id: RefId,
    pub(crate) name: &'static str,
}

/// Which job or call: a number of the queue that it stands in, or of a call that travels on its link.
#[cfg(feature = "process")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkKey {
    pub(crate) queued: bool,
    pub(crate) number: u64,
}

/// Tells a worker in another process that a call is over.
#[cfg(feature = "process")]
type OnCancel = Box<dyn FnOnce() + Send>;

/// What becomes of a call.
pub(crate) type Outcome = Result<Payload, CallError>;

/// One call, for the side that asks and the side that answers.
pub(crate) struct Ticket {
    call: CallRef,
    worker: Arc<str>,
    /// The answer travels on the link, in order with transactions.
    by_link: bool,
    /// The answer is not waited for any more. Written under the lock of `state`.
    cancelled: AtomicBool,
    /// Its outcome is that its worker has ended. Written under the lock of `state`.
    died: AtomicBool,
    /// It is listed among the calls that are awaited on the thread of their store.
    attended: AtomicBool,
    state: Mutex<State>,
    done: Condvar,
    /// Is told when the worker is done with the call.
    limit: Option<Arc<dyn Limit>>,
    /// In the process of a worker that another one asks: how that one calls it.
    #[cfg(feature = "process")]
    key: Option<WorkKey>,
}

/// What counts unanswered calls.
pub(crate) trait Limit: Send + Sync {
    /// One call less is unanswered.
    fn release(&self);
}

struct State {
    stage: Stage,
    /// Until there is an outcome: the call may be given again.
    question: Option<Payload>,
    /// `None` before there is one, and after it was returned. On its way it belongs to the worker.
    outcome: Option<Outcome>,
    /// The worker has panicked in the middle of it.
    faulted: bool,
    /// It takes a place of its caller's limit.
    reserved: bool,
    waker: Option<Waker>,
    /// A thread blocks until there is an outcome. Notifying takes a call of the system, whether or not one does.
    joined: bool,
    /// Called when it is cancelled, or over without an answer.
    #[cfg(feature = "process")]
    on_cancel: Option<OnCancel>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No worker has begun.
    Waiting,
    /// A worker answers.
    Running,
    /// The answer is on its way.
    Answered,
    /// The outcome is certain, and its place in the limit of its caller becomes free.
    Completing,
    /// There is an outcome.
    Done,
}

impl State {
    /// Whether the outcome is certain: no other one counts.
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

    /// A call that is over before it was sent.
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

    /// A worker begins to answer. Returns the question; `None` if the call is over.
    pub(crate) fn begin(&self) -> Option<Payload> {
        let mut state = self.state();
        if state.is_decided() || self.is_cancelled() {
            return None;
        }
        state.stage = Stage::Running;
        state.question.clone()
    }

    /// The worker that answered has ended, and another is to answer. Returns `false` if the answer is not waited for any more.
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

    /// The worker panics in the middle of it.
    pub(crate) fn note_fault(&self) {
        self.state().faulted = true;
    }

    /// Whether the worker has panicked in the middle of it.
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

    /// The worker has answered, and the ticket itself travels back.
    pub(crate) fn answer(&self, outcome: Outcome) {
        let mut state = self.state();
        if state.is_decided() {
            drop(state);
            return contained(|| drop(outcome));
        }
        state.stage = Stage::Answered;
        state.outcome = Some(outcome);
    }

    /// The ticket has arrived with its answer.
    pub(crate) fn deliver(&self) {
        let mut state = self.state();
        let outcome = if state.stage == Stage::Answered { state.outcome.take() } else { None };
        drop(state);
        if let Some(outcome) = outcome {
            self.complete(outcome);
        }
    }

    /// The answer is on its way: no other worker is to answer.
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

    /// Whether the worker is done with it: the answer is on its way or there, or the call is over for another reason.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state().stage, Stage::Answered | Stage::Completing | Stage::Done)
    }

    /// Whether its outcome is that its worker has ended.
    pub(crate) fn has_died(&self) -> bool {
        self.died.load(Ordering::SeqCst)
    }

    /// The first outcome is the one that counts.
    pub(crate) fn complete(&self, outcome: Outcome) {
        let mut state = self.state();
        if state.is_decided() {
            drop(state);
            return contained(|| drop(outcome));
        }
        // Before there is an outcome: code that has the answer may ask at once.
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
        // What comes from outside is told to the worker that may still answer.
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

    /// From now on it takes a place of its caller's limit, until there is an outcome. Returns `false` if there is one.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = self.state();
        state.reserved = !state.is_decided();
        state.reserved
    }

    /// The answer is not waited for any more: a call that has not begun is over.
    pub(crate) fn cancel(&self) {
        #[cfg_attr(not(feature = "process"), expect(unused_mut, reason = "as with processes"))]
        let mut state = self.state();
        self.cancelled.store(true, Ordering::SeqCst);
        // From here on it does not begin.
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

    /// Notes whether it is listed among the calls that are awaited on the thread of their store. Returns what was noted before.
    pub(crate) fn set_attended(&self, attended: bool) -> bool {
        self.attended.swap(attended, Ordering::SeqCst)
    }

    /// Whether there is an outcome.
    pub(crate) fn is_done(&self) -> bool {
        self.state().stage == Stage::Done
    }

    /// The outcome, once; otherwise the waker is registered. Wakers are cloned and dropped outside of the lock.
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

    /// As if it had been polled with this waker.
    pub(crate) fn wake_by(&self, waker: Waker) {
        let mut state = self.state();
        let displaced = state.waker.replace(waker);
        drop(state);
        drop(displaced);
    }

    /// Lets the task that waits poll it.
    pub(crate) fn wake(&self) {
        let waker = self.state().waker.take();
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// The outcome, if there is one, once.
    pub(crate) fn take(&self) -> Option<Outcome> {
        self.take_from(&mut self.state())
    }

    fn take_from(&self, state: &mut State) -> Option<Outcome> {
        if let Some(outcome) = state.take_outcome() {
            return Some(outcome);
        }
        // A call that runs and is cancelled has no outcome yet, but is over for the side that asked.
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
