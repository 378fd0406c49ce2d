//! The notifier of an inbox: which callbacks and tasks an arrival wakes, once for a burst. `README.md` beside this file says why no
//! wake-up is lost; the lines that it cites are marked here.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::panics::{FirstPanic, contained, wake};

/// Called from the sending thread when something arrives.
pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;

/// The place of a future or a stream among the tasks that wait for an arrival.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    /// The number under which it was registered. It may have been woken since.
    number: Option<u64>,
}

/// After a notification it is muted until it is rearmed. Callbacks and wakers run outside of every lock.
pub(super) struct Notifier {
    /// Each task rearms it when it begins to wait: while this is true no task waits that was not woken.
    muted: AtomicBool,
    listeners: Mutex<Listeners>,
}

/// Tasks by number, in the order in which they began to wait.
type Tasks = BTreeMap<u64, Waker>;

#[derive(Default)]
struct Listeners {
    callbacks: Vec<(u64, Callback)>,
    tasks: Tasks,
    last_number: u64,
}

impl Listeners {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn take_tasks(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.tasks).into_values().collect()
    }
}

impl Default for Notifier {
    fn default() -> Self {
        Self { muted: AtomicBool::new(false), listeners: Mutex::new(Listeners::default()) }
    }
}

impl Notifier {
    /// Calls the callbacks and wakes the tasks, unless it is muted. From now on it is.
    pub(super) fn notify(&self) {
        // Read before it is written: in a burst it stays true, and is in the caches of both threads.
        if !self.muted.load(Ordering::SeqCst) && self.mute() {
            self.call_all();
        }
    }

    /// As [`notify`](Self::notify), also if it is muted. It does not depend on the flag: another thread may rearm or mute the
    /// notifier at the same moment.
    pub(super) fn notify_again(&self) {
        self.muted.store(true, Ordering::SeqCst);
        self.call_all();
    }

    /// Returns whether it was armed. Writes only then.
    fn mute(&self) -> bool {
        self.muted.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn call_all(&self) {
        let (callbacks, tasks) = {
            let mut listeners = self.listeners();
            (listeners.callbacks.clone(), listeners.take_tasks())
        };
        for (_, callback) in callbacks {
            contained(|| callback());
            // It may have been removed meanwhile: then this drops the closure.
            contained(|| drop(callback));
        }
        tasks.into_iter().for_each(wake);
    }

    /// Wakes all tasks, also if it is muted. Each registers again when it begins to wait.
    pub(super) fn wake_tasks(&self) {
        let tasks = self.listeners().take_tasks();
        tasks.into_iter().for_each(wake);
    }

    /// It will notify again.
    pub(super) fn rearm(&self) {
        self.muted.store(false, Ordering::SeqCst);
    }

    /// Adds a callback and returns its number.
    pub(super) fn add_callback(&self, callback: &Callback) -> u64 {
        let number = {
            let mut listeners = self.listeners();
            let number = listeners.next_number();
            listeners.callbacks.push((number, Arc::clone(callback)));
            number
        };
        // A notification that came late, for what was taken before, must not suppress the next one.
        self.rearm();
        number
    }

    /// Removes a callback, and returns it for the caller to drop.
    pub(super) fn remove_callback(&self, number: u64) -> Option<Callback> {
        let mut listeners = self.listeners();
        let at = listeners.callbacks.iter().position(|(known, _)| *known == number)?;
        Some(listeners.callbacks.remove(at).1)
    }

    /// Adds a task, in the place of what the same future has registered before.
    pub(super) fn add_task(&self, registration: &mut Registration, task: &Waker) {
        // Cloned and dropped outside of the lock: that is the executor's code.
        let task = task.clone();
        let displaced = {
            let mut listeners = self.listeners();
            let known = registration.number.and_then(|known| listeners.tasks.get_mut(&known));
            if let Some(known) = known {
                Some(std::mem::replace(known, task))
            } else {
                let number = listeners.next_number();
                registration.number = Some(number);
                listeners.tasks.insert(number, task)
            }
        };
        // Before the drop, which may panic: the task that is registered now must be woken all the same.
        self.rearm();
        drop(displaced);
    }

    /// Removes a task that waits no more.
    pub(super) fn remove_task(&self, registration: &mut Registration) {
        let Some(number) = registration.number.take() else { return };
        let removed = self.listeners().tasks.remove(&number);
        drop(removed);
    }

    /// Removes all listeners: the store takes no more items. Tasks are woken, because what they wait for will not come. Callbacks are
    /// dropped; a panic goes to `panics`.
    pub(super) fn close(&self, panics: &mut FirstPanic) {
        let (callbacks, tasks) = {
            let mut listeners = self.listeners();
            (std::mem::take(&mut listeners.callbacks), listeners.take_tasks())
        };
        tasks.into_iter().for_each(wake);
        panics.drop_each(callbacks);
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
