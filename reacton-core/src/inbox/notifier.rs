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
//! All tasks are woken, those of streams too, though one turn takes in what arrived for all of them. A woken task need not poll its
//! stream: it may await something else by now, or not run as long as another executor of its thread does. So none may be left
//! waiting in the hope that another one looks. Each costs one wake-up and one look at the inbox.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::panics::{FirstPanic, contained, wake};

/// Called from the sending thread when something arrives.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// A future's or a stream's place among the tasks that wait for an arrival.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Its number since it was registered last; others may have been woken since, and this one too.
    number: Option<u64>,
}

/// Once rung it is silent until it is set again. Wakers run outside of every lock.
#[derive(Default)]
pub(super) struct Bell {
    /// Each task sets the bell when it begins to wait, so that while this is true no task does.
    rung: AtomicBool,
    wakers: Mutex<Wakers>,
}

/// Tasks by number, in the order in which they began to wait.
type Tasks = BTreeMap<u64, Waker>;

#[derive(Default)]
struct Wakers {
    callbacks: Vec<(u64, Wake)>,
    tasks: Tasks,
    given: u64,
}

impl Wakers {
    fn number(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    fn take_tasks(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.tasks).into_values().collect()
    }
}

impl Bell {
    /// Calls the callbacks and wakes the tasks, unless it is silent.
    pub(super) fn ring(&self) {
        // Read before it is written: in a burst it stands at true, and is in the caches of both. That no wake-up is lost
        // rests on the channel's lock: who looks at the channel after a send sees what was sent, and a send after that
        // look sees the flag that was put down before it.
        if self.rung.load(Ordering::SeqCst) || self.rung.swap(true, Ordering::SeqCst) {
            return;
        }
        let (callbacks, tasks) = {
            let mut wakers = self.wakers();
            (wakers.callbacks.clone(), wakers.take_tasks())
        };
        for (_, callback) in callbacks {
            contained(|| callback());
            // It may have been removed meanwhile: then this drops the closure.
            contained(|| drop(callback));
        }
        tasks.into_iter().for_each(wake);
    }

    /// Wakes all tasks, also if it is silent. Each adds itself again when it begins to wait.
    pub(super) fn wake_tasks(&self) {
        let tasks = self.wakers().take_tasks();
        tasks.into_iter().for_each(wake);
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
            let known = waiting.number.and_then(|known| wakers.tasks.get_mut(&known));
            if let Some(known) = known {
                Some(std::mem::replace(known, task))
            } else {
                let number = wakers.number();
                waiting.number = Some(number);
                wakers.tasks.insert(number, task)
            }
        };
        // Before the drop, which may panic: the task that is registered now must be woken all the same.
        self.set();
        drop(displaced);
    }

    /// Lets a task go that waits no more.
    pub(super) fn forget_task(&self, waiting: &mut Waiting) {
        let Some(number) = waiting.number.take() else { return };
        let forgotten = self.wakers().tasks.remove(&number);
        drop(forgotten);
    }

    /// Lets everybody go: the store takes nothing in any more. Tasks are woken, for they wait for what will not come.
    /// Callbacks are dropped; a panic goes to `panics`.
    pub(super) fn unhang(&self, panics: &mut FirstPanic) {
        let (callbacks, tasks) = {
            let mut wakers = self.wakers();
            (std::mem::take(&mut wakers.callbacks), wakers.take_tasks())
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
        panics.drop_each(self.take_tasks());
        panics.forget();
    }
}

#[cfg(test)]
mod tests;
