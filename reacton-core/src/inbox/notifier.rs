//! The notifier of an inbox: calls callbacks and wakes tasks on an arrival, once for a burst. `README.md` beside this
//! file says why no wake-up is lost; the lines that it cites are marked here.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::panics::{FirstPanic, contained, wake};

/// Called from the sending thread when something arrives.
pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;

/// The registration of a future or a stream as a task that waits for an arrival.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    /// The number under which it was registered. It may have been woken since.
    number: Option<u64>,
}

/// A notification mutes it until it is rearmed. Callbacks and wakers run outside of every lock.
pub(super) struct Notifier {
    /// Each task rearms the notifier when it begins to wait. So while this is true, every task that waits has been
    /// woken.
    muted: AtomicBool,
    listeners: Mutex<Listeners>,
}

/// Tasks by number: the order in which they began to wait.
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
    /// Calls the callbacks, wakes the tasks and mutes the notifier; does nothing if it is muted.
    pub(super) fn notify(&self) {
        // Read before writing: during a burst it stays true, and the caches of both threads keep it.
        if !self.muted.load(Ordering::SeqCst) && self.mute() {
            self.call_all();
        }
    }

    /// As [`notify`](Self::notify), even if muted. It ignores the flag because another thread may rearm or mute the
    /// notifier at the same moment.
    pub(super) fn notify_again(&self) {
        self.muted.store(true, Ordering::SeqCst);
        self.call_all();
    }

    /// Mutes the notifier. Returns whether it was armed, and writes only then.
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
            // If the callback was removed during the call, this drops the closure.
            contained(|| drop(callback));
        }
        tasks.into_iter().for_each(wake);
    }

    /// Wakes all tasks, even if muted. Each registers again when it begins to wait.
    pub(super) fn wake_tasks(&self) {
        let tasks = self.listeners().take_tasks();
        tasks.into_iter().for_each(wake);
    }

    /// Ends the mute: the next arrival notifies again.
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
        // A late notification of an item that was already taken must not suppress the next one.
        self.rearm();
        number
    }

    /// Removes a callback, and returns it for the caller to drop.
    pub(super) fn remove_callback(&self, number: u64) -> Option<Callback> {
        let mut listeners = self.listeners();
        let at = listeners.callbacks.iter().position(|(known, _)| *known == number)?;
        Some(listeners.callbacks.remove(at).1)
    }

    /// Registers a task; it replaces the earlier registration of the same future.
    pub(super) fn add_task(&self, registration: &mut Registration, task: &Waker) {
        // Cloned and dropped outside of the lock, because both run code of the executor.
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
        // Before the drop, which may panic: the task that is registered now must still be woken.
        self.rearm();
        drop(displaced);
    }

    /// Removes a task that no longer waits.
    pub(super) fn remove_task(&self, registration: &mut Registration) {
        let Some(number) = registration.number.take() else { return };
        let removed = self.listeners().tasks.remove(&number);
        drop(removed);
    }

    /// Removes all listeners, because the store accepts no more items. Tasks are woken, since nothing will arrive for
    /// them. Callbacks are dropped; a panic in that goes to `panics`.
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
