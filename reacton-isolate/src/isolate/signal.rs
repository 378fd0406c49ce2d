//! What a worker's thread reports to the thread that started it: its answer to the handshake, and its end. Either is
//! awaited with a timeout, or by a waker.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::message::IsolateMessage;

/// One thread, as the thread that started it sees it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<IsolateMessage>,
    /// The other thread waits: an answer that comes now will be taken.
    listening: bool,
    /// The answer was taken, or will be.
    taken: bool,
    /// Nobody takes an answer any more.
    closed: bool,
    ended: bool,
    waker: Option<Waker>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    TimedOut,
    Ended,
}

impl Signal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes whatever waits for that. A waker is foreign code.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    fn wait_while(
        &self,
        timeout: Duration,
        waits: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state();
        while waits(&state) {
            let Some(deadline) = deadline else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// The worker answers, and waits until something takes that. Returns whether it is taken.
    pub(crate) fn answer(&self, message: IsolateMessage) -> bool {
        self.change(|state| {
            state.answer = Some(message);
            state.taken = state.listening && !state.closed;
        });
        self.wait_while(Duration::MAX, |state| !state.taken && !state.closed).taken
    }

    /// The answer of the worker.
    pub(super) fn wait_answer(&self, timeout: Duration) -> Result<IsolateMessage, NoAnswer> {
        self.state().listening = true;
        let mut state = self.wait_while(timeout, |state| state.answer.is_none() && !state.ended);
        state.listening = false;
        let answer = state.answer.take();
        let no_answer = if state.ended { NoAnswer::Ended } else { NoAnswer::TimedOut };
        drop(state);
        answer.ok_or(no_answer).inspect(|_| self.change(|state| state.taken = true))
    }

    /// As [`wait_answer`](Self::wait_answer), without a timeout. The answer is taken by the call that returns it.
    pub(super) fn poll_answer(
        &self,
        context: &Context<'_>,
    ) -> Poll<Result<IsolateMessage, NoAnswer>> {
        let mut state = self.state();
        if state.answer.is_none() && !state.ended {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(self.wait_answer(Duration::ZERO))
    }

    /// Nobody takes an answer from now on.
    pub(super) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    /// Whether the thread ends in that time.
    pub(super) fn wait_end(&self, timeout: Duration) -> bool {
        self.wait_while(timeout, |state| !state.ended).ended
    }

    /// Ready when the thread has ended.
    pub(super) fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.ended {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// From now on the end of this thread is reported.
    ///
    /// It is a thread local, made before any other: thread locals are dropped in the reverse order, so that those of the
    /// program, which may take their time, are gone by then. (Where a platform has another order, the end is
    /// reported too early, and joining the thread takes as long as they do.)
    pub(super) fn attach(self: &Arc<Self>) {
        thread_local! {
            static END: RefCell<Option<End>> = const { RefCell::new(None) };
        }
        END.set(Some(End(Arc::clone(self))));
    }
}

/// Reports the end of its thread.
struct End(Arc<Signal>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}
