//! The stores of this thread whose calls are awaited here: awaiting such an answer takes turns.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, Subscription, WeakStore};

use crate::wire::ticket::Ticket;

thread_local! {
    static HOMES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// The store whose turns bring an answer, as a value for other threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) thread: ThreadId,
    /// The number of the store; `None` if the answer does not depend on turns.
    number: Option<u64>,
}

/// One store of this thread.
struct Entry {
    number: u64,
    store: WeakStore,
    waiting: Arc<Waiting>,
    /// Wakes the waiting tasks when something arrives.
    wakes: Option<Subscription>,
}

/// Calls that are awaited on the thread of their store.
#[derive(Default)]
struct Waiting(Mutex<Vec<Weak<Ticket>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Ticket>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes each task once. A task that still waits registers again.
    fn wake(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        for ticket in waiting.iter().filter_map(Weak::upgrade) {
            ticket.set_attended(false);
            ticket.wake();
        }
    }
}

/// Of a hub: the number of its store, once the store is listed.
#[derive(Default)]
pub(crate) struct HomeNumber(Cell<Option<u64>>);

impl HomeNumber {
    /// The home of `store`, whose hub owns this number.
    pub(crate) fn home(&self, store: &ReactonStore) -> Home {
        if self.0.get().is_none() {
            let number = Wiring::of(store).number();
            let entry =
                Entry { number, store: store.downgrade(), waiting: Arc::default(), wakes: None };
            // At the end of the thread no answer is awaited any more.
            let _ = HOMES.try_with(|homes| homes.borrow_mut().push(entry));
            self.0.set(Some(number));
        }
        Home { thread: thread::current().id(), number: self.0.get() }
    }
}

impl Drop for HomeNumber {
    fn drop(&mut self) {
        if let Some(number) = self.0.get() {
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
    /// The home of an answer that does not depend on turns of the store of this thread.
    pub(crate) fn of_thread(thread: ThreadId) -> Self {
        Self { thread, number: None }
    }

    pub(crate) fn is_this_thread(self) -> bool {
        self.thread == thread::current().id()
    }

    /// Whether the answer arrives in a turn of `store`.
    pub(crate) fn is(self, store: &ReactonStore) -> bool {
        self.number == Some(Wiring::of(store).number())
    }

    /// The store, if it lives on this thread; then each arrival wakes the task that awaits `ticket`.
    pub(crate) fn attend(self, ticket: &Arc<Ticket>) -> Option<ReactonStore> {
        let number = self.number.filter(|_| self.is_this_thread())?;
        let found = |homes: &RefCell<Vec<Entry>>| {
            let homes = homes.borrow();
            let entry = homes.iter().find(|entry| entry.number == number)?;
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
                let entry = homes.iter_mut().find(|entry| entry.number == number);
                entry.map(|entry| entry.wakes.replace(wakes))
            });
        }
        Some(store)
    }
}
