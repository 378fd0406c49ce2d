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
    handshake: Handshake,
    ended: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
enum Handshake {
    /// No answer has come.
    #[default]
    Open,
    /// As `Open`, and the other thread waits: an answer that comes now will be taken.
    Listening,
    /// The worker waits until its answer is taken.
    Answered(IsolateMessage),
    /// The answer will be taken.
    Accepted(IsolateMessage),
    Taken,
    /// No answer is taken any more.
    Closed,
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
            state.handshake = match state.handshake {
                Handshake::Listening => Handshake::Accepted(message),
                Handshake::Closed => Handshake::Closed,
                _ => Handshake::Answered(message),
            }
        });
        let waits = |state: &State| matches!(state.handshake, Handshake::Answered(_));
        let state = self.wait_while(Duration::MAX, waits);
        !matches!(state.handshake, Handshake::Closed)
    }

    /// The answer of the worker.
    pub(super) fn wait_answer(&self, timeout: Duration) -> Result<IsolateMessage, NoAnswer> {
        let mut state = self.state();
        if matches!(state.handshake, Handshake::Open) {
            state.handshake = Handshake::Listening;
        }
        drop(state);
        let waits = |state: &State| matches!(state.handshake, Handshake::Listening) && !state.ended;
        let mut state = self.wait_while(timeout, waits);
        match std::mem::replace(&mut state.handshake, Handshake::Taken) {
            Handshake::Answered(message) | Handshake::Accepted(message) => {
                drop(state);
                self.changed.notify_all();
                return Ok(message);
            }
            Handshake::Listening => state.handshake = Handshake::Open,
            other => state.handshake = other,
        }
        Err(if state.ended { NoAnswer::Ended } else { NoAnswer::TimedOut })
    }

    /// As [`wait_answer`](Self::wait_answer), without a timeout. The answer is taken by the call that returns it.
    pub(super) fn poll_answer(
        &self,
        context: &Context<'_>,
    ) -> Poll<Result<IsolateMessage, NoAnswer>> {
        let mut state = self.state();
        if matches!(state.handshake, Handshake::Open) && !state.ended {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(self.wait_answer(Duration::ZERO))
    }

    /// No answer is taken from now on.
    pub(super) fn close(&self) {
        self.change(|state| {
            if !matches!(state.handshake, Handshake::Accepted(_) | Handshake::Taken) {
                state.handshake = Handshake::Closed;
            }
        });
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
