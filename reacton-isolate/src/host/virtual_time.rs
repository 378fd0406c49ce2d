//! The clock and the timers of a simulation. Time passes only by calls of the scheduler.

use std::collections::BTreeMap;
use std::collections::btree_map::OccupiedEntry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::random::Random;

/// The maximum time of a step, in nanoseconds.
const MAX_STEP: usize = 20_000;

/// A timer that fires this soon may fire before another step.
const SOON: Duration = Duration::from_millis(20);

/// How long a thread is interrupted at most if no other one can continue before.
const A_WHILE: Duration = Duration::from_secs(2);

/// The time of one simulation. It begins at an arbitrary moment; only differences have a meaning.
#[derive(Debug)]
pub(crate) struct VirtualTime {
    begin: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: Instant,
    timers: BTreeMap<Key, Waker>,
    made: u64,
}

type Key = (Instant, u64);

/// A timer, which is cancelled when dropped.
#[derive(Debug)]
pub(crate) struct VirtualTimer {
    state: Arc<Mutex<State>>,
    key: Option<Key>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl VirtualTime {
    pub(super) fn new() -> Self {
        let begin = Instant::now();
        let state = State { now: begin, timers: BTreeMap::new(), made: 0 };
        Self { begin, state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn now(&self) -> Instant {
        lock(&self.state).now
    }

    /// Returns how long a thread that is interrupted now may stay so, while others only wait.
    pub(super) fn after_a_while(&self) -> Option<Instant> {
        self.now().checked_add(A_WHILE)
    }

    /// Returns how much time has passed since the simulation began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now() - self.begin
    }

    /// Lets time pass. It never goes back.
    pub(super) fn advance_to(&self, to: Instant) {
        let mut state = lock(&self.state);
        state.now = state.now.max(to);
    }

    /// Lets the time of one step pass: some microseconds or, by the seed, until the first timer fires if that is soon.
    pub(super) fn pass(&self, random: &Random) {
        let step = Duration::from_nanos(random.below(MAX_STEP) as u64);
        let now = self.now();
        let mut to = now.checked_add(step).unwrap_or(now);
        if let Some(first) = self.first_timer()
            && first.saturating_duration_since(to) <= SOON
            && random.one_in(8)
        {
            to = to.max(first);
        }
        self.advance_to(to);
    }

    /// Calls `waker` when `wait` has passed.
    pub(super) fn set_timer(&self, wait: Duration, waker: Waker) -> VirtualTimer {
        let mut state = lock(&self.state);
        let deadline = state.now.checked_add(wait);
        let key = deadline.map(|deadline| {
            state.made += 1;
            (deadline, state.made)
        });
        if let Some(key) = key {
            state.timers.insert(key, waker);
        }
        VirtualTimer { state: Arc::clone(&self.state), key }
    }

    /// Returns when the first timer fires.
    pub(super) fn first_timer(&self) -> Option<Instant> {
        lock(&self.state).timers.first_key_value().map(|(key, _)| key.0)
    }

    /// Removes and returns all timers.
    pub(super) fn take_all(&self) -> Vec<Waker> {
        let timers = std::mem::take(&mut lock(&self.state).timers);
        timers.into_values().collect()
    }

    /// Removes and returns the first timer if its time has come.
    pub(super) fn take_due(&self) -> Option<Waker> {
        let mut state = lock(&self.state);
        let now = state.now;
        state.timers.first_entry().filter(|first| first.key().0 <= now).map(OccupiedEntry::remove)
    }
}

impl Drop for VirtualTimer {
    fn drop(&mut self) {
        let waker = self.key.and_then(|key| lock(&self.state).timers.remove(&key));
        // A waker is user code, so it is dropped outside of the lock.
        drop(waker);
    }
}
