//! A worker of a simulation that has its own thread, which runs only while the simulation waits for it.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reacton_core::{IsReady, Mailbox};

/// The thread of one worker. At any time, either this thread or the simulation runs.
pub(crate) struct Stack {
    state: Mutex<State>,
    changed: Condvar,
    /// The mailbox of the worker's store.
    mailbox: Mailbox,
}

enum State {
    /// The thread runs, and the simulation waits.
    Running,
    /// The thread waits until the simulation resumes it.
    Suspended(Pause),
    /// The thread runs after the end of the simulation. It may wait this many more times, and the waits return at once.
    Free(u32),
    /// The thread has ended.
    Ended,
}

/// What a suspended thread waits for.
pub(super) enum Pause {
    /// The thread waits for nothing: another thread may run first.
    Interrupted,
    /// The thread waits for something that others do, or for a point in time.
    Waiting { is_ready: IsReady, deadline: Option<Instant> },
}

impl Stack {
    pub(super) fn new(mailbox: Mailbox) -> Self {
        let state = Mutex::new(State::Suspended(Pause::Interrupted));
        Self { state, changed: Condvar::new(), mailbox }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, to: State) {
        let displaced = std::mem::replace(&mut *self.state(), to);
        self.changed.notify_all();
        // The condition may own a mailbox, so it is dropped outside of the lock.
        drop(displaced);
    }

    fn wait_while(&self, waits: fn(&State) -> bool) {
        let mut state = self.state();
        while waits(&state) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns the mailbox of the worker's store.
    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(*self.state(), State::Ended)
    }

    /// Returns whether the thread can run now.
    pub(super) fn is_runnable(&self, now: Instant) -> bool {
        let is_ready = match &*self.state() {
            State::Suspended(Pause::Interrupted) => return true,
            State::Suspended(Pause::Waiting { deadline, .. })
                if deadline.is_some_and(|deadline| deadline <= now) =>
            {
                return true;
            }
            State::Suspended(Pause::Waiting { is_ready, .. }) => Arc::clone(is_ready),
            State::Running | State::Free(_) | State::Ended => return false,
        };
        is_ready()
    }

    /// Returns the deadline of the thread's wait.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &*self.state() {
            State::Suspended(Pause::Waiting { deadline, .. }) => *deadline,
            _ => None,
        }
    }

    /// Lets the thread run until it is suspended or ends.
    pub(super) fn resume(&self) {
        if !self.has_ended() {
            self.change(State::Running);
            self.wait_while(|state| matches!(state, State::Running));
        }
    }

    /// As [`resume`](Self::resume), but waits no longer than `limit`. Returns whether the thread was suspended or ended.
    pub(super) fn resume_within(&self, limit: Duration) -> bool {
        if self.has_ended() {
            return true;
        }
        self.change(State::Running);
        let runs = |state: &mut State| matches!(state, State::Running);
        let waited = self.changed.wait_timeout_while(self.state(), limit, runs);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Called when the simulation is over and no longer resumes the thread. The thread continues, and may wait `often`
    /// more times before it has to end.
    pub(super) fn set_free(&self, often: u32) {
        let mut state = self.state();
        if matches!(*state, State::Ended) {
            return;
        }
        let displaced = std::mem::replace(&mut *state, State::Free(often));
        drop(state);
        self.changed.notify_all();
        drop(displaced);
    }

    /// Lets the simulation run until it resumes this thread.
    pub(super) fn suspend(&self, pause: Pause) {
        let mut state = self.state();
        if let State::Free(often @ 1..) = &mut *state {
            *often -= 1;
            return;
        }
        let displaced = std::mem::replace(&mut *state, State::Suspended(pause));
        drop(state);
        self.changed.notify_all();
        drop(displaced);
        self.wait_until_resumed();
    }

    /// Called by the thread: waits until the simulation lets it run for the first time.
    pub(super) fn wait_until_resumed(&self) {
        self.wait_while(|state| matches!(state, State::Suspended(_)));
    }

    /// Called when the thread ends.
    pub(super) fn end(&self) {
        self.change(State::Ended);
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("has_ended", &self.has_ended()).finish_non_exhaustive()
    }
}
