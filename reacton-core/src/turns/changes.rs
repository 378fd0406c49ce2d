//! The changes of one reacton as a stream.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::backlog::Backlog;
use crate::inbox::Registration;
use crate::ops::subscription::{ScopedSubscription, Subscription};
use crate::panics::wake;
use crate::reacton::access::Readable;
use crate::store::turn_state::TurnState;
use crate::store::{ReactonStore, WeakStore};
use crate::turns::nesting::{Nesting, Polled};
use crate::turns::turn::Asked;

/// The values of one reacton as they change; see [`ReactonStore::changes`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct Changes<T> {
    /// Weak: a stream does not keep the store alive.
    store: WeakStore,
    buffer: Rc<RefCell<Buffer<T>>>,
    /// Its registration among the tasks that wait for a turn.
    arrival: Registration,
    nesting: Nesting,
    /// The stream has reported the end of the store, or was made after that report.
    end_is_known: bool,
    /// After that report it has yielded once.
    gave_way: bool,
    /// The number of values read by tasks of other streams when it last yielded to them.
    patience: Option<u64>,
    /// The number of values read when a task, or this stream, last ended although values were left.
    ended_at: Option<u64>,
    _subscription: ScopedSubscription,
}

struct Buffer<T> {
    values: Backlog<T>,
    /// The task that waits, also for a change made on this thread.
    waiting: Option<Waker>,
    /// The subscription has ended.
    ended: bool,
}

/// What the subscription does. The stream ends when this is dropped with it.
pub(super) struct Feed<T>(Rc<RefCell<Buffer<T>>>);

impl<T> Feed<T> {
    /// Adds a value, and wakes who waits.
    pub(super) fn push(&self, store: &ReactonStore, value: T) {
        store.turn_state().unread().add();
        let waiting = {
            let mut buffer = self.0.borrow_mut();
            buffer.values.push_back(value);
            buffer.waiting.take()
        };
        // The executor's code runs outside of the borrow.
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }

    /// Takes the first value back.
    pub(super) fn take(&self, store: &ReactonStore) -> Option<T> {
        let value = self.0.borrow_mut().values.pop_front()?;
        store.note_read(1);
        Some(value)
    }
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut buffer = self.0.borrow_mut();
            buffer.ended = true;
            buffer.waiting.take()
        };
        // Waking runs code of the executor, so it happens outside of the borrow.
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }
}

impl<T> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("waiting", &self.buffer.borrow().values.len())
            .finish_non_exhaustive()
    }
}

impl ReactonStore {
    /// A stream of the values of `reacton`: every change, in order, beginning with the next one.
    ///
    /// Polling it takes turns, so a program that awaits it needs no other loop. It ends when the store ends, and when
    /// `reacton` is removed: a local by `remove` or with the run that made it, the status of an isolate when its handle
    /// is dropped. Before that it returns all values that it has received.
    ///
    /// Like [`turn`](Self::turn) it does not block the executor: one poll applies a limited part of a long queue. It is
    /// cancel-safe: dropping the future of its next value loses nothing. Dropping the stream drops only the values that
    /// it has not returned.
    ///
    /// Values that its reader has not taken yet are kept, without a limit.
    ///
    /// Inside a batch, a computed or an observer nothing can arrive. Do not await the stream there: a `block_on` of a
    /// new stream returns `None` after some polls, and logs a warning to tracing. If an executor runs there, a task
    /// that already waited for the stream keeps waiting, and is woken afterwards.
    ///
    /// # Panics
    /// If `reacton` is a local of another store, or was removed.
    ///
    /// # Examples
    /// ```
    /// # use futures_lite::StreamExt;
    /// # use reacton_core::ReactonStore;
    /// # futures_lite::future::block_on(async {
    /// let store = ReactonStore::new();
    /// let count = store.reacton(0);
    /// let mut changes = store.changes(&count);
    /// store.set(&count, 1);
    /// store.set(&count, 2);
    /// assert_eq!((changes.next().await, changes.next().await), (Some(1), Some(2)));
    /// # });
    /// ```
    #[track_caller]
    pub fn changes<R: Readable>(&self, reacton: &R) -> Changes<R::Value>
    where
        R::Value: Clone,
    {
        Changes::fed_by(self, |feed| {
            self.subscribe(reacton, move |store, value| feed.push(store, value.clone()))
        })
    }
}

impl<T> Changes<T> {
    /// A stream of what the subscription that `subscribe` makes puts into its feed.
    #[track_caller]
    pub(super) fn fed_by(
        store: &ReactonStore,
        subscribe: impl FnOnce(Feed<T>) -> Subscription,
    ) -> Self {
        let buffer = Rc::new(RefCell::new(Buffer {
            values: Backlog::default(),
            waiting: None,
            ended: false,
        }));
        let subscription = subscribe(Feed(Rc::clone(&buffer)));
        Self {
            store: store.downgrade(),
            buffer,
            arrival: Registration::default(),
            nesting: Nesting::default(),
            end_is_known: store.turn_state().has_reported_end(),
            gave_way: false,
            patience: None,
            ended_at: store.turn_state().unread().ended_at(),
            _subscription: subscription.scoped(),
        }
    }

    fn next(&self) -> Option<T> {
        let value = self.buffer.borrow_mut().values.pop_front()?;
        if let Some(store) = self.store.upgrade() {
            store.note_read(1);
        }
        Some(value)
    }

    /// Puts back a value that its reader could not receive: the next poll returns it.
    pub(super) fn give_back(&self, value: T) {
        if let Some(store) = self.store.upgrade() {
            store.turn_state().unread().add();
        }
        self.buffer.borrow_mut().values.push_front(value);
    }

    /// Yields to the other tasks, and asks to be polled again.
    fn give_way(state: &TurnState, context: &Context<'_>) -> Poll<Option<T>> {
        state.give_way();
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ends although other streams hold unread values: that does not count as the end of the store.
    fn end_beside_unread(&mut self, state: &TurnState, context: &Context<'_>) -> Poll<Option<T>> {
        let read = state.unread().read();
        if state.is_driven() && self.ended_at == Some(read) {
            // Lets the driver of an async worker detect a loop that ignores the end and reads nothing.
            state.note_asked_again();
            return Self::give_way(state, context);
        }
        self.ended_at = Some(read);
        state.unread().set_ended_at(read);
        Poll::Ready(None)
    }

    /// Ends the stream if no value can follow.
    fn end(&mut self, store: &ReactonStore, context: &Context<'_>) -> Option<Poll<Option<T>>> {
        if self.buffer.borrow().ended {
            return Some(Poll::Ready(None));
        }
        if !store.is_over_for_tasks() {
            return None;
        }
        let state = store.turn_state();
        if state.is_driven() && self.end_is_known && !std::mem::replace(&mut self.gave_way, true) {
            // Lets the driver of an async worker detect a loop that ignores the end.
            state.note_asked_again();
            return Some(Self::give_way(state, context));
        }
        state.note_end();
        self.end_is_known = true;
        self.gave_way = false;
        Some(Poll::Ready(None))
    }
}

impl<T> Stream for Changes<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        if let Some(value) = this.next() {
            this.nesting.note_ready(this.store.upgrade().as_ref());
            return Poll::Ready(Some(value));
        }
        let Some(store) = this.store.upgrade() else { return Poll::Ready(None) };
        if let Some(end) = this.end(&store, context) {
            return end;
        }
        let (inbox, state) = (store.inbox(), store.turn_state());
        // Registered first, so that an arrival or a change after this line wakes the task.
        let waiting = context.waker().clone();
        let displaced = this.buffer.borrow_mut().waiting.replace(waiting);
        drop(displaced);
        inbox.register(&mut this.arrival, context.waker());
        match this.nesting.note(&store, context, "changes") {
            Polled::Outside => {}
            Polled::Waits => {
                state.give_way();
                return Poll::Pending;
            }
            Polled::Ends => return Poll::Ready(None),
        }
        loop {
            let there = inbox.stage();
            let taken = store.take_slice(there);
            let waits = inbox.is_empty() && this.buffer.borrow().values.is_empty();
            if waits && taken.only_control() && state.is_draining() {
                // The tasks that it has woken run before this stream reports the end of the store.
                return Self::give_way(state, context);
            }
            if waits {
                // If a transaction was applied, nothing has asked for a turn since.
                match store.ask_as_task(&mut this.patience) {
                    Asked::Waits => {}
                    Asked::Yields => return Self::give_way(state, context),
                    Asked::Ends => return this.end_beside_unread(state, context),
                }
            }
            if !(waits && store.step_peers()) {
                break;
            }
        }
        if let Some(value) = this.next() {
            this.nesting.note_ready(Some(&store));
            return Poll::Ready(Some(value));
        }
        if let Some(end) = this.end(&store, context) {
            return end;
        }
        if !inbox.is_empty() {
            // Yields to other tasks.
            context.waker().wake_by_ref();
        }
        state.give_way();
        Poll::Pending
    }
}

impl<T> Drop for Changes<T> {
    fn drop(&mut self) {
        if let Some(store) = self.store.upgrade() {
            store.inbox().remove_task(&mut self.arrival);
            let unread = self.buffer.borrow().values.len();
            store.note_read(unread);
        }
    }
}
