//! The answer of one call: awaited, waited for with turns, or joined on another thread.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use reacton_core::wiring::Wiring;
use reacton_core::{Mailbox, ReactonStore, RunError};

use super::home::Home;
use super::way::CallWay;
use crate::error::CallError;
use crate::interrupt;
use crate::wire::ticket::{Outcome, Ticket};

/// The number of items that one poll applies in the store of the answer.
const SLICE: usize = 64;

/// The answer of a call, as a future. Made by [`IsolateStore::call`](crate::IsolateStore::call),
/// [`Pool::call`](crate::Pool::call) and [`Caller::call`](crate::Caller::call).
///
/// It is a future for any executor and any thread. Without `await`, use [`wait`](Self::wait) on the thread of a store,
/// which takes turns, and [`join`](Self::join) on any other thread. If the call was made on the thread of a store, the
/// answer arrives in a turn of that store, and awaiting it there takes turns.
///
/// Dropping it cancels the call: if the worker has not begun to answer, it never begins; otherwise
/// [`is_cancelled`](crate::Asked::is_cancelled) returns `true` there. [`detach`](Self::detach) drops it without
/// cancelling the call.
#[must_use = "the call is cancelled when its answer is dropped: await it, `wait` for it, or `detach()` it"]
pub struct Answer<A: 'static> {
    ticket: Arc<Ticket>,
    way: CallWay<A>,
    home: Home,
    /// The answer was returned, or the call was detached.
    released: bool,
}

impl<A> Answer<A> {
    pub(crate) fn new(ticket: Arc<Ticket>, way: CallWay<A>, home: Home) -> Self {
        Self { ticket, way, home, released: false }
    }

    /// Whether the answer or an error has arrived. Then no method waits.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ticket.is_done()
    }

    /// Cancels the call, as dropping the answer does. Awaiting it afterwards returns [`CallError::Cancelled`], unless
    /// the answer had already arrived.
    pub fn cancel(&self) {
        self.ticket.cancel();
    }

    /// Drops this future without cancelling the call. The answer is dropped when it arrives.
    pub fn detach(mut self) {
        self.released = true;
    }

    /// Waits for the answer, and takes turns of `store`. Use it on the thread of a store. If the call was made on the
    /// thread of a store, pass that store, because the answer arrives in its turns.
    ///
    /// # Errors
    /// If there is no answer; see [`CallError`]. If `timeout` passes; then the call is cancelled. At once inside a
    /// batch, a computed or an observer of `store`, where a turn applies nothing; then it is cancelled as well.
    ///
    /// # Panics
    /// As [`pump`](ReactonStore::pump) does.
    pub fn wait(mut self, store: &ReactonStore, timeout: Duration) -> Result<A, CallError> {
        let wiring = Wiring::of(store);
        if let Some(outcome) = self.ticket.take() {
            return self.open(outcome);
        }
        let call = self.ticket.call().name;
        if wiring.is_busy() {
            return Err(CallError::Nested { call });
        }
        // A turn of its own store brings the answer. With another store, it may arrive at any moment, and while it is
        // awaited, that store may still receive something.
        if !self.home.is(store) {
            let mailbox = wiring.inbox().mailbox();
            self.ticket.wake_by(Waker::from(Arc::new(Recheck(mailbox))));
        }
        let waited = store.run_until(timeout, |_| self.ticket.is_done());
        match self.ticket.take() {
            Some(outcome) => self.open(outcome),
            None if waited == Err(RunError::TimedOut) => {
                let worker = self.ticket.worker().to_owned();
                Err(CallError::TimedOut { call, worker, timeout })
            }
            // The store has ended.
            None => Err(self.ticket.disposal()),
        }
    }

    /// Blocks the thread until the answer arrives. Use it on threads without a store; on the thread of a store, use
    /// [`wait`](Self::wait).
    ///
    /// # Errors
    /// If there is no answer; see [`CallError`]. If `timeout` passes; then the call is cancelled. At once on the thread
    /// of the store that spawned the worker, because this store must take turns; then it is cancelled as well.
    pub fn join(mut self, timeout: Duration) -> Result<A, CallError> {
        let call = self.ticket.call().name;
        if self.home.is_this_thread() {
            return Err(CallError::OwnThread { call });
        }
        let outcome = match interrupt::peers() {
            None => self.ticket.wait(Instant::now().checked_add(timeout)),
            Some(peers) => {
                let ticket = Arc::clone(&self.ticket);
                let is_over = move || ticket.is_done() || ticket.is_cancelled();
                peers.wait(None, Arc::new(is_over), peers.now().checked_add(timeout));
                self.ticket.take()
            }
        };
        let Some(outcome) = outcome else {
            let worker = self.ticket.worker().to_owned();
            return Err(CallError::TimedOut { call, worker, timeout });
        };
        self.open(outcome)
    }

    fn open(&mut self, outcome: Outcome) -> Result<A, CallError> {
        self.released = true;
        let call = self.ticket.call().name;
        let payload = outcome?;
        self.way.unpack_whole(payload).map_err(|reason| CallError::Decode { call, reason })
    }
}

impl<A> Future for Answer<A> {
    type Output = Result<A, CallError>;

    /// # Panics
    /// If it has returned its result already; with a panic of an observer, if it takes a turn of its store.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        assert!(!this.released, "this answer was returned already");
        if let Poll::Ready(outcome) = this.ticket.poll(context) {
            return Poll::Ready(this.open(outcome));
        }
        loop {
            // On the thread of its store, this task takes turns.
            let home = this.home.attend(&this.ticket);
            if let Some(store) = &home {
                store.pump_at_most(SLICE);
            }
            if let Poll::Ready(outcome) = this.ticket.poll(context) {
                return Poll::Ready(this.open(outcome));
            }
            let waiting = home.map(|store| Wiring::of(&store).number());
            if !interrupt::peers().is_some_and(|peers| peers.step(waiting)) {
                return Poll::Pending;
            }
        }
    }
}

impl<A> Drop for Answer<A> {
    fn drop(&mut self) {
        if !self.released {
            self.ticket.cancel();
        }
    }
}

impl<A> fmt::Debug for Answer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("call", &self.ticket.call().name)
            .field("ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

/// Lets a store that waits for a condition check it again.
struct Recheck(Mailbox);

impl Wake for Recheck {
    fn wake(self: Arc<Self>) {
        self.0.recheck();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.recheck();
    }
}
