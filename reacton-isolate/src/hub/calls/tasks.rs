//! Async answers that are not ready: futures of a store, polled between its turns when their wakers were called.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::vec::IntoIter;

use reacton_core::wiring::Wiring;
use reacton_core::{
    FirstPanic, InlineItem, InlineWords, Mailbox, PendingWork, ReactonStore, ReadInline, panics,
};

use crate::hub::Hub;
use crate::wire::ticket::Outcome;

type AnswerFuture = Pin<Box<dyn Future<Output = Outcome>>>;

/// The recipient of an async answer.
pub(crate) trait Owner {
    /// Calls `poll`, which polls the answer once.
    fn polled(&self, poll: &mut dyn FnMut());
    /// The answer is ready.
    fn done(&self, store: &ReactonStore, outcome: Outcome);
    /// The answer has panicked.
    fn panicked(&self, store: &ReactonStore);
}

/// The async answers of one store.
#[derive(Default)]
pub(crate) struct Tasks {
    running: RefCell<BTreeMap<u64, Task>>,
    made: Cell<u64>,
    woken: RefCell<Option<Arc<Woken>>>,
    /// The worker's function or its turns are run by something that polls between turns.
    polled_outside: Cell<bool>,
    /// A task may be woken though no item in the inbox says so: the item was taken in a turn that polls nothing, or none was posted.
    unposted: Cell<bool>,
}

struct Task {
    /// Taken out while it is polled.
    future: Option<AnswerFuture>,
    owner: Rc<dyn Owner>,
    waker: Waker,
    /// Makes a drain of the store wait for it.
    _pending: PendingWork,
}

/// The tasks whose wakers were called.
struct Woken {
    numbers: Mutex<Vec<u64>>,
    /// Of an async worker's own future: it is run by what polls the tasks as well, and need not wait for a turn.
    driver: Option<Waker>,
    /// Of the store.
    mailbox: Mailbox,
}

impl Woken {
    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, number: u64) {
        let mut numbers = self.lock();
        numbers.push(number);
        let is_first = numbers.len() == 1;
        drop(numbers);
        if is_first {
            self.wake_store();
        }
    }

    fn wake_store(&self) {
        self.mailbox.post_inline(InlineItem { words: [0; 7], reader: &Ready });
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }
}

/// The waker of one task.
struct TaskWaker {
    number: u64,
    woken: Arc<Woken>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.woken.add(self.number);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.add(self.number);
    }
}

/// The item by which a store that sleeps is woken for its tasks. It polls them itself if nothing does between turns.
struct Ready;

impl ReadInline for Ready {
    fn take_in(&self, _: InlineWords, store: &ReactonStore) -> usize {
        let Some(hub) = Hub::find(store) else { return 0 };
        let tasks = &hub.calls().tasks;
        if tasks.polled_outside.get() {
            tasks.unposted.set(true);
        } else {
            tasks.poll(store);
        }
        0
    }
}

/// While it exists, tasks are polled between turns.
pub(crate) struct PolledOutside {
    hub: Rc<Hub>,
    before: bool,
}

impl Drop for PolledOutside {
    fn drop(&mut self) {
        self.hub.calls().tasks.polled_outside.set(self.before);
    }
}

impl Tasks {
    /// Adds `future`, which is polled soon.
    pub(crate) fn spawn(&self, store: &ReactonStore, future: AnswerFuture, owner: Rc<dyn Owner>) {
        let mailbox = Wiring::of(store).inbox().weak_mailbox();
        let woken = Arc::clone(self.woken.borrow_mut().get_or_insert_with(|| {
            Arc::new(Woken { numbers: Mutex::default(), driver: None, mailbox: mailbox.clone() })
        }));
        let number = self.made.get();
        self.made.set(number + 1);
        let waker = Waker::from(Arc::new(TaskWaker { number, woken: Arc::clone(&woken) }));
        let task = Task { future: Some(future), owner, waker, _pending: mailbox.pending_work() };
        self.running.borrow_mut().insert(number, task);
        if self.polled_outside.get() {
            // This is a turn, and a poll follows: without an item, the member goes on with its next job at once.
            woken.lock().push(number);
            self.unposted.set(true);
        } else {
            woken.add(number);
        }
    }

    /// From now on, as long as the result lives, something calls [`poll`](Self::poll) between turns: the loop that runs an async
    /// worker, which is woken by `driver`, or the one that takes turns.
    pub(crate) fn poll_outside(
        hub: &Rc<Hub>,
        store: &ReactonStore,
        driver: Option<Waker>,
    ) -> PolledOutside {
        let tasks = &hub.calls().tasks;
        if driver.is_some() {
            let mailbox = Wiring::of(store).inbox().weak_mailbox();
            tasks.woken.replace(Some(Arc::new(Woken {
                numbers: Mutex::default(),
                driver,
                mailbox,
            })));
        }
        let before = tasks.polled_outside.replace(true);
        PolledOutside { hub: Rc::clone(hub), before }
    }

    /// Polls the tasks whose wakers were called.
    ///
    /// # Panics
    /// As the first of them that does.
    #[inline]
    pub(crate) fn poll(&self, store: &ReactonStore) {
        // Also if none is left: a waker may outlive its task, and only the first one that is called wakes the store.
        let Some(woken) = self.woken.borrow().clone() else { return };
        self.unposted.set(false);
        let numbers = std::mem::take(&mut *woken.lock());
        let mut left =
            Left { numbers: numbers.into_iter(), woken: &woken, unposted: &self.unposted };
        for number in left.numbers.by_ref() {
            self.poll_one(store, number);
        }
    }

    fn poll_one(&self, store: &ReactonStore, number: u64) {
        let begun = {
            let mut running = self.running.borrow_mut();
            let task = running.get_mut(&number);
            task.and_then(|task| {
                Some((task.future.take()?, Rc::clone(&task.owner), task.waker.clone()))
            })
        };
        // It may have ended.
        let Some((future, owner, waker)) = begun else { return };
        let mut polled = Polled { tasks: self, store, number, owner: &*owner, future };
        let mut outcome = Poll::Pending;
        owner.polled(&mut || {
            outcome = polled.future.as_mut().poll(&mut Context::from_waker(&waker));
        });
        match outcome {
            Poll::Pending => {
                let future = polled.take();
                if let Some(task) = self.running.borrow_mut().get_mut(&number) {
                    task.future = Some(future);
                }
                std::mem::forget(polled);
            }
            Poll::Ready(outcome) => {
                drop(polled.take());
                std::mem::forget(polled);
                owner.done(store, outcome);
                let over = self.running.borrow_mut().remove(&number);
                drop(over);
            }
        }
    }

    /// Called when the store has ended: drops the remaining tasks.
    pub(super) fn end(&self, panics: &mut FirstPanic) {
        let running = self.running.take();
        panics.drop_each(running.into_values());
    }
}

/// Tasks that are to be polled. If one of them panics, and the worker catches that and goes on, the others are polled by the next poll.
struct Left<'w> {
    numbers: IntoIter<u64>,
    woken: &'w Woken,
    unposted: &'w Cell<bool>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.numbers.by_ref().for_each(|number| self.woken.add(number));
        // One of them has taken a turn, and a task was woken or begun meanwhile.
        if self.unposted.get() && !self.woken.lock().is_empty() {
            self.woken.wake_store();
        }
    }
}

/// A task that is polled. If it panics, it is over: its owner is notified, and a drain no longer waits for it.
struct Polled<'p> {
    tasks: &'p Tasks,
    store: &'p ReactonStore,
    number: u64,
    owner: &'p dyn Owner,
    future: AnswerFuture,
}

impl Polled<'_> {
    /// Takes out the future. What is left owns nothing.
    fn take(&mut self) -> AnswerFuture {
        std::mem::replace(&mut self.future, Box::pin(std::future::pending()))
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.owner.panicked(self.store);
            let over = self.tasks.running.borrow_mut().remove(&self.number);
            // Code of the program, while the thread unwinds.
            let future = self.take();
            panics::contained(|| drop((future, over)));
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("running", &self.running.borrow().len())
            .finish_non_exhaustive()
    }
}
