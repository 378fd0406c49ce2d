//! Reports two events of a worker's thread to the thread that started it: the answer to the handshake, and the end.
//! Both can be awaited with a timeout or with a waker.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reacton_core::{Peers, panics};

use super::stack::Stack;
use crate::wire::message::IsolateMessage;

/// The state of one thread, shared with the thread that started it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
    /// Set in a simulation, where no thread sleeps.
    stepped: Option<Stepped>,
}

/// How to wait in a simulation.
#[derive(Debug)]
struct Stepped {
    peers: Arc<dyn Peers>,
    /// The number of the store that spawns, which takes no turn while it waits.
    main: u64,
    /// The worker's own thread, if it has one. Released when the thread has ended.
    stack: Option<Arc<Stack>>,
}

#[derive(Debug, Default)]
struct State {
    handshake: Handshake,
    ended: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
enum Handshake {
    /// There is no answer yet.
    #[default]
    Open,
    /// As `Open`, while the thread that started the worker waits: it will accept an answer.
    Listening,
    /// The worker waits until its answer is accepted.
    Answered(IsolateMessage),
    /// The answer was accepted.
    Accepted(IsolateMessage),
    Taken,
    /// No answer is accepted any more.
    Closed,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    TimedOut,
    Ended,
}

impl Signal {
    /// Returns the signal of a thread in a simulation.
    pub(super) fn stepped(peers: Arc<dyn Peers>, main: u64, stack: Option<Arc<Stack>>) -> Self {
        let stepped = Some(Stepped { peers, main, stack });
        Self { stepped, ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes those who wait. Replaced values are dropped outside of the lock.
    fn change<U>(&self, change: impl FnOnce(&mut State) -> U) {
        let mut state = self.state();
        let displaced = change(&mut state);
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            panics::wake(waker);
        }
        panics::contained(|| drop(displaced));
    }

    /// Returns what `f` returns. If that is nothing, registers the waker of `context`, which is cloned and dropped
    /// outside of the lock.
    fn poll<U>(&self, context: &Context<'_>, f: impl FnOnce(&State) -> Option<U>) -> Poll<U> {
        let waker = context.waker().clone();
        let mut state = self.state();
        let ready = f(&state);
        let unused = if ready.is_some() { Some(waker) } else { state.waker.replace(waker) };
        drop(state);
        drop(unused);
        ready.map_or(Poll::Pending, Poll::Ready)
    }

    fn wait_while(
        self: &Arc<Self>,
        timeout: Duration,
        waits: fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        if let Some(Stepped { peers, main, .. }) = &self.stepped {
            let deadline = peers.now().checked_add(timeout);
            let signal = Arc::clone(self);
            peers.wait(Some(*main), Arc::new(move || !waits(&signal.state())), deadline);
            return self.state();
        }
        let waited = self.changed.wait_timeout_while(self.state(), timeout, |state| waits(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// In a simulation, lets other stores take steps while a task waits.
    fn step_while(&self, waits: fn(&State) -> bool) {
        if let Some(Stepped { peers, main, .. }) = &self.stepped {
            while waits(&self.state()) && peers.step(Some(*main)) {}
        }
    }

    /// Sends the answer of the worker, and waits until it is accepted or rejected. Returns whether it is accepted.
    pub(crate) fn answer(self: &Arc<Self>, message: IsolateMessage) -> bool {
        self.offer(message);
        let waits = |state: &State| matches!(state.handshake, Handshake::Answered(_));
        let state = self.wait_while(Duration::MAX, waits);
        !matches!(state.handshake, Handshake::Closed)
    }

    /// Sends the answer of the worker.
    pub(super) fn offer(&self, message: IsolateMessage) {
        self.change(|state| {
            let answer = match state.handshake {
                Handshake::Listening => Handshake::Accepted(message),
                Handshake::Closed => return Handshake::Answered(message),
                _ => Handshake::Answered(message),
            };
            std::mem::replace(&mut state.handshake, answer)
        });
    }

    /// Returns whether the answer is accepted; `None` while that is undecided.
    #[cfg(feature = "process")]
    pub(super) fn is_taken(&self) -> Option<bool> {
        match self.state().handshake {
            Handshake::Open | Handshake::Listening | Handshake::Answered(_) => None,
            Handshake::Accepted(_) | Handshake::Taken => Some(true),
            Handshake::Closed => Some(false),
        }
    }

    /// Called when the thread has ended.
    pub(super) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// Waits for the answer of the worker, and accepts it.
    pub(crate) fn wait_answer(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> Result<IsolateMessage, NoAnswer> {
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

    /// As [`wait_answer`](Self::wait_answer), without a timeout. The call that returns the answer accepts it.
    pub(crate) fn poll_answer(
        self: &Arc<Self>,
        context: &Context<'_>,
    ) -> Poll<Result<IsolateMessage, NoAnswer>> {
        let is_open = |state: &State| matches!(state.handshake, Handshake::Open) && !state.ended;
        self.step_while(is_open);
        self.poll(context, |state| (!is_open(state)).then_some(()))
            .map(|()| self.wait_answer(Duration::ZERO))
    }

    /// Rejects any later answer.
    pub(crate) fn close(&self) {
        self.change(|state| {
            let is_settled = matches!(state.handshake, Handshake::Accepted(_) | Handshake::Taken);
            (!is_settled).then(|| std::mem::replace(&mut state.handshake, Handshake::Closed))
        });
    }

    /// Waits for the end of the thread. Returns whether it ends within `timeout`.
    pub(crate) fn wait_end(self: &Arc<Self>, timeout: Duration) -> bool {
        self.wait_while(timeout, |state| !state.ended).ended
    }

    /// Returns ready when the thread has ended.
    pub(crate) fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        self.step_while(|state| !state.ended);
        self.poll(context, |state| state.ended.then_some(()))
    }

    /// From now on the end of this thread is reported. Uses a thread-local that is created before any other.
    /// Thread-locals are dropped in reverse order, so those of the program are gone when the end is reported. (On a
    /// platform with another order, the end is reported too early, and joining the thread waits for the others.)
    pub(crate) fn attach(self: &Arc<Self>) {
        thread_local! {
            static END: RefCell<Option<End>> = const { RefCell::new(None) };
        }
        END.set(Some(End(Arc::clone(self))));
    }
}

/// Reports the end of its thread when dropped.
struct End(Arc<Signal>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
        if let Some(Stepped { stack: Some(stack), .. }) = &self.0.stepped {
            stack.end();
        }
    }
}
