//! The bell of an inbox: who is woken when something arrives, once for a burst.
//!
//! Why no wake-up is lost. A sender does two things, in this order: S1 it puts an item into the channel, S2 it calls `ring`. The
//! thread of the store does three, when something is to be woken from now on: R1 it adds a callback or a task, R2 it sets the bell,
//! R3 it looks whether the inbox is empty, and if it is not, the task does not wait, and for a callback `ring` is called.
//!
//! * S1 before R3: R3 finds the item. A task takes it in. For a callback `ring` is called, by S2 as well as by R3: the first of the
//!   two that finds the bell silent calls *all* callbacks and wakes *all* tasks that were added by then, and R1 came before R2
//!   and R3. If S2 came before R2, it has woken those that were added before, and R3 calls all again.
//! * R3 before S1: the bell was set in R2, before S1, and so before S2, which calls everything; unless another `ring` has come
//!   between. That one has called everything too, and the store begins anew with R2 or with a turn, which sets the bell.
//!
//! So `rung` may become true in one place only: where everything is called. To set it without calling (as was done for a
//! callback that is added to an inbox with items: it alone was called) loses the wake-up of a task whenever S1, R3, S2 is the order.
//!
//! Of the streams of changes not all are woken, but [`TAKERS`]: one poll takes a turn for all of them, and its observers wake the
//! streams that have a new value. "Wakes everything" above then means: wakes a stream that will be polled and look. So
//!
//! * a stream that was woken, and is dropped or ready before it has looked, wakes others ([`Bell::pass_on`]);
//! * a ring wakes more of them while some are left (`left`), since those that were woken need not be polled soon: their tasks may
//!   have gone on with something else. For the same reason it is more than one of them;
//! * a future of a turn is always woken: what it waits for may be more than a change;
//! * all are woken when the store ends or drains ([`Bell::wake_all_from_now`]).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::panics::{FirstPanic, contained, wake};

/// Called from the sending thread when something arrives.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// So many tasks that wait for streams are woken at once.
pub(super) const TAKERS: usize = 8;

/// A future's or a stream's place among the tasks that wait for an arrival.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Its number since it was registered last; others may have been woken since, and this one too.
    number: Option<u64>,
    is_stream: bool,
}

impl Waiting {
    /// The place of a stream of changes: its subscription wakes it as well.
    pub(crate) fn of_stream() -> Self {
        Self { number: None, is_stream: true }
    }

    /// Whether it was registered since it was last forgotten.
    pub(crate) fn is_registered(&self) -> bool {
        self.number.is_some()
    }
}

/// Once rung it is silent until it is set again. Wakers run outside of every lock.
#[derive(Default)]
pub(super) struct Bell {
    /// Each task sets the bell when it begins to wait, so that while this is true no task does, but those that are `left`.
    rung: AtomicBool,
    /// Streams were not woken when the bell was rung last.
    left: AtomicBool,
    /// From now on all streams are woken.
    all: AtomicBool,
    wakers: Mutex<Wakers>,
}

/// Tasks by number, in the order in which they began to wait.
type Tasks = BTreeMap<u64, Waker>;

#[derive(Default)]
struct Wakers {
    callbacks: Vec<(u64, Wake)>,
    turns: Tasks,
    streams: Tasks,
    given: u64,
}

impl Wakers {
    fn number(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    fn tasks(&mut self, waiting: &Waiting) -> &mut Tasks {
        if waiting.is_stream { &mut self.streams } else { &mut self.turns }
    }

    /// Takes out the tasks of turns, and of so many streams. Streams that wait one after the other in one task count as one.
    fn take_tasks(&mut self, streams: usize) -> Vec<Waker> {
        let mut tasks: Vec<_> = std::mem::take(&mut self.turns).into_values().collect();
        let mut left = streams;
        while let Some(first) = self.streams.first_entry() {
            if !tasks.last().is_some_and(|last| last.will_wake(first.get())) {
                let Some(rest) = left.checked_sub(1) else { break };
                left = rest;
            }
            tasks.push(first.remove());
        }
        tasks
    }
}

impl Bell {
    /// Calls the callbacks and wakes the tasks, unless it is silent.
    pub(super) fn ring(&self) {
        // Read before it is written: in a burst it stands at true, and is in the caches of both. That no wake-up is lost
        // rests on the channel's lock: who looks at the channel after a send sees what was sent, and a send after that
        // look sees the flag that was put down before it.
        let is_first = !self.rung.load(Ordering::SeqCst) && !self.rung.swap(true, Ordering::SeqCst);
        let wakes_more =
            || self.left.load(Ordering::SeqCst) && self.left.swap(false, Ordering::SeqCst);
        if !is_first && !wakes_more() {
            return;
        }
        let (callbacks, tasks) = {
            let mut wakers = self.wakers();
            let callbacks = if is_first { wakers.callbacks.clone() } else { Vec::new() };
            (callbacks, self.take_tasks(&mut wakers))
        };
        for (_, callback) in callbacks {
            contained(|| callback());
            // It may have been removed meanwhile: then this drops the closure.
            contained(|| drop(callback));
        }
        tasks.into_iter().for_each(wake);
    }

    /// The tasks that are woken now.
    fn take_tasks(&self, wakers: &mut Wakers) -> Vec<Waker> {
        let streams = if self.all.load(Ordering::SeqCst) { usize::MAX } else { TAKERS };
        let tasks = wakers.take_tasks(streams);
        self.left.store(!wakers.streams.is_empty(), Ordering::SeqCst);
        tasks
    }

    /// Wakes all tasks, also if it is silent. Each adds itself again when it begins to wait.
    pub(super) fn wake_tasks(&self) {
        let tasks = self.wakers().take_tasks(usize::MAX);
        tasks.into_iter().for_each(wake);
    }

    /// Wakes some of the tasks, also if it is silent: one that was woken does not look.
    pub(super) fn pass_on(&self) {
        let tasks = self.take_tasks(&mut self.wakers());
        tasks.into_iter().for_each(wake);
    }

    /// Wakes all tasks, now and whenever it is rung: each of them has to see what becomes of the store.
    pub(super) fn wake_all_from_now(&self) {
        self.all.store(true, Ordering::SeqCst);
        self.wake_tasks();
    }

    /// It will ring again.
    pub(super) fn set(&self) {
        self.rung.store(false, Ordering::SeqCst);
    }

    /// Adds a callback and gives its number.
    pub(super) fn add(&self, wake: &Wake) -> u64 {
        let number = {
            let mut wakers = self.wakers();
            let number = wakers.number();
            wakers.callbacks.push((number, Arc::clone(wake)));
            number
        };
        // A ring that came late, for what was taken in before, must not silence the next one.
        self.set();
        number
    }

    /// Removes a callback, and returns it for the caller to drop.
    pub(super) fn forget(&self, number: u64) -> Option<Wake> {
        let mut wakers = self.wakers();
        let at = wakers.callbacks.iter().position(|(known, _)| *known == number)?;
        Some(wakers.callbacks.remove(at).1)
    }

    /// Adds a task, in the place of what the same future has registered before.
    pub(super) fn add_task(&self, waiting: &mut Waiting, task: &Waker) {
        // Cloned and dropped outside of the lock: that is the executor's code.
        let task = task.clone();
        let displaced = {
            let mut wakers = self.wakers();
            let known = waiting.number.and_then(|known| wakers.tasks(waiting).get_mut(&known));
            if let Some(known) = known {
                Some(std::mem::replace(known, task))
            } else {
                // Behind the others: each of them is woken some time.
                let number = wakers.number();
                waiting.number = Some(number);
                wakers.tasks(waiting).insert(number, task)
            }
        };
        // Before the drop, which may panic: the task that is registered now must be woken all the same.
        self.set();
        drop(displaced);
    }

    /// Lets a task go that waits no more. Returns whether it was woken since it was registered.
    pub(super) fn forget_task(&self, waiting: &mut Waiting) -> bool {
        let Some(number) = waiting.number.take() else { return false };
        let forgotten = self.wakers().tasks(waiting).remove(&number);
        let was_woken = forgotten.is_none();
        drop(forgotten);
        was_woken
    }

    /// Lets everybody go: the store takes nothing in any more. Tasks are woken, for they wait for what will not come.
    /// Callbacks are dropped; a panic goes to `panics`.
    pub(super) fn unhang(&self, panics: &mut FirstPanic) {
        let (callbacks, tasks) = {
            let mut wakers = self.wakers();
            (std::mem::take(&mut wakers.callbacks), wakers.take_tasks(usize::MAX))
        };
        tasks.into_iter().for_each(wake);
        panics.drop_each(callbacks);
    }

    fn wakers(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wakers {
    /// What is left is dropped on the thread of the last sender: one that panics neither skips the others nor reaches it.
    fn drop(&mut self) {
        let mut panics = FirstPanic::NONE;
        panics.drop_each(std::mem::take(&mut self.callbacks));
        panics.drop_each(self.take_tasks(usize::MAX));
        panics.forget();
    }
}

#[cfg(test)]
mod tests;
