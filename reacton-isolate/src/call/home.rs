//! The stores of this thread whose calls are awaited here: awaiting such an answer takes turns.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};

use reacton_core::{ReactonStore, Subscription, WeakStore};

use crate::wire::ticket::Ticket;

thread_local! {
    static HOMES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// The store whose turns bring an answer, as other threads know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) thread: ThreadId,
    /// 0 if the answer does not depend on turns.
    number: u64,
}

/// One store of this thread.
struct Entry {
    number: u64,
    store: WeakStore,
    waiting: Arc<Waiting>,
    /// Wakes what waits when something arrives.
    wakes: Option<Subscription>,
}

/// Calls that are awaited on the thread of their store.
#[derive(Default)]
struct Waiting(Mutex<Vec<Weak<Ticket>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Ticket>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each task looks once more. It enters itself again if it still waits.
    fn wake(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        for ticket in waiting.iter().filter_map(Weak::upgrade) {
            ticket.set_attended(false);
            ticket.wake();
        }
    }
}

/// Of a hub: the number of its store in the list, once it has one.
#[derive(Default)]
pub(crate) struct HomeNumber(Cell<u64>);

impl HomeNumber {
    /// The home of `store`, whose hub this belongs to.
    pub(crate) fn home(&self, store: &ReactonStore) -> Home {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        if self.0.get() == 0 {
            let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
            let entry =
                Entry { number, store: store.downgrade(), waiting: Arc::default(), wakes: None };
            // At the end of the thread no answer is awaited any more.
            let _ = HOMES.try_with(|homes| homes.borrow_mut().push(entry));
            self.0.set(number);
        }
        Home { thread: thread::current().id(), number: self.0.get() }
    }
}

impl Drop for HomeNumber {
    fn drop(&mut self) {
        let number = self.0.get();
        if number != 0 {
            let take = |homes: &RefCell<Vec<Entry>>| {
                let mut homes = homes.borrow_mut();
                let at = homes.iter().position(|entry| entry.number == number)?;
                Some(homes.swap_remove(at))
            };
            let entry = HOMES.try_with(take).ok().flatten();
            drop(entry);
        }
    }
}

impl Home {
    /// The home of an answer that does not depend on the turns of the store, whose thread this is.
    pub(crate) fn of_thread(thread: ThreadId) -> Self {
        Self { thread, number: 0 }
    }

    pub(crate) fn is_this_thread(self) -> bool {
        self.thread == thread::current().id()
    }

    /// The store, if it lives on this thread: then the task that awaits `ticket` is woken by each arrival.
    pub(crate) fn attend(self, ticket: &Arc<Ticket>) -> Option<ReactonStore> {
        if self.number == 0 || !self.is_this_thread() {
            return None;
        }
        let found = |homes: &RefCell<Vec<Entry>>| {
            let homes = homes.borrow();
            let entry = homes.iter().find(|entry| entry.number == self.number)?;
            let store = entry.store.upgrade()?;
            Some((store, Arc::clone(&entry.waiting), entry.wakes.is_none()))
        };
        let (store, waiting, is_first) = HOMES.try_with(found).ok().flatten()?;
        if !ticket.set_attended(true) {
            waiting.lock().push(Arc::downgrade(ticket));
        }
        if is_first {
            let wakes = store.on_wake(move || waiting.wake());
            let _ = HOMES.try_with(|homes| {
                let mut homes = homes.borrow_mut();
                let entry = homes.iter_mut().find(|entry| entry.number == self.number);
                entry.map(|entry| entry.wakes.replace(wakes))
            });
        }
        Some(store)
    }
}
