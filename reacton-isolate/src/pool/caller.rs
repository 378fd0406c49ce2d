//! Sends calls to workers: on the thread of a store, or by a caller on any thread.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use reacton_core::ReactonStore;

use super::Jobs;
use crate::call::Call;
use crate::call::answer::Answer;
use crate::call::home::Home;
use crate::call::way::CallWay;
use crate::error::CallError;
use crate::hub::Hub;
use crate::wire::ticket::{CallRef, Limit, Ticket};

/// Where the calls of one isolate or one pool go.
#[derive(Clone)]
pub(crate) struct Route {
    worker: Arc<str>,
    /// The thread of the store that spawned the workers.
    thread: ThreadId,
    /// `None` if the workers answer no calls.
    jobs: Option<Arc<Jobs>>,
}

impl Route {
    /// Returns the route to the workers of this queue. Without a queue, calls fail with an error that names `worker`.
    pub(crate) fn to(jobs: Option<&Arc<Jobs>>, worker: &str) -> Self {
        match jobs {
            Some(jobs) => Self {
                worker: Arc::clone(&jobs.callee().worker),
                thread: jobs.callee().thread,
                jobs: Some(Arc::clone(jobs)),
            },
            None => Self { worker: worker.into(), thread: thread::current().id(), jobs: None },
        }
    }

    /// Returns the call, and its queue. The queue is `None` if the call has ended already.
    fn ticket<Q>(
        &self,
        call: CallRef,
        way: CallWay<Q>,
        question: Q,
        by_link: bool,
        limit: Option<Arc<dyn Limit>>,
    ) -> (Arc<Ticket>, Option<&Arc<Jobs>>) {
        let worker = Arc::clone(&self.worker);
        let jobs = self.jobs.as_ref().filter(|jobs| jobs.callee().answers(call));
        let Some(jobs) = jobs else {
            let error = CallError::NotAnswered { worker: worker.to_string(), call: call.name };
            return (Arc::new(Ticket::refused(call, worker, error)), None);
        };
        match way.pack(question) {
            Ok(question) => {
                (Arc::new(Ticket::new(call, worker, question, by_link, limit)), Some(jobs))
            }
            Err(reason) => {
                let error = CallError::Encode { call: call.name, reason };
                (Arc::new(Ticket::refused(call, worker, error)), None)
            }
        }
    }

    /// Sends a call on the thread of `store`, which has spawned the workers: in order with its transactions.
    pub(crate) fn ask<Q, A, M>(
        &self,
        store: Option<ReactonStore>,
        call: &Call<Q, A, M>,
        question: Q,
        send: impl FnOnce(&Hub, Arc<Ticket>) + 'static,
    ) -> Answer<A> {
        let (ticket, jobs) = self.ticket(call.call(), call.question(), question, true, None);
        let mut home = Home::of_thread(self.thread);
        match store {
            None => ticket.complete(Err(ticket.disposal())),
            Some(store) => {
                let hub = Hub::of(&store);
                home = hub.calls().home(&store);
                if jobs.is_some() {
                    hub.calls().send(&store, &hub, Arc::clone(&ticket), send);
                }
            }
        }
        Answer::new(ticket, call.answer(), home)
    }
}

/// Calls a worker or a pool from any thread: made by [`IsolateStore::caller`](crate::IsolateStore::caller) and
/// [`Pool::caller`](crate::Pool::caller).
///
/// A call is sent directly to the worker, or to the first free member of the pool, and the answer is sent directly
/// back. Neither needs a turn of the main store. So a call has no order relative to main's transactions: a value that
/// main wrote earlier may arrive after the call.
///
/// After the worker has ended, a call returns an error.
///
/// # Examples
/// ```
/// # use reacton_core::ReactonStore;
/// # use reacton_isolate::{Call, CallWay, Calls, IsolateStore};
/// # use std::time::Duration;
/// # static SQUARE: Call<u64, u64> = Call::__new("doc::SQUARE", CallWay::copied(), CallWay::copied());
/// // #[call] static SQUARE: Call<u64, u64>;
/// let store = ReactonStore::new();
/// let pool = IsolateStore::builder().answers(&SQUARE).pool(2).spawn(&store, |store: &ReactonStore| {
///     store.answer(&SQUARE, |_, n, _| n * n);
/// })?;
/// let caller = pool.caller(&SQUARE);
/// let handler = std::thread::spawn(move || caller.call(12).join(Duration::from_secs(10)));
/// assert_eq!(handler.join().unwrap()?, 144);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Caller<Q: 'static, A: 'static> {
    route: Route,
    call: CallRef,
    question: CallWay<Q>,
    answer: CallWay<A>,
    limit: Option<Arc<InFlight>>,
}

impl<Q, A> Clone for Caller<Q, A> {
    /// The clone shares the limit of [`in_flight`](Self::in_flight).
    fn clone(&self) -> Self {
        Self { route: self.route.clone(), limit: self.limit.clone(), ..*self }
    }
}

impl<Q, A> Caller<Q, A> {
    pub(crate) fn new<M>(route: Route, call: &Call<Q, A, M>) -> Self {
        let (question, answer) = (call.question(), call.answer());
        Self { route, call: call.call(), question, answer, limit: None }
    }

    /// Limits the calls of this caller and its clones that the worker has at a time to `n`; 0 counts as 1. Further
    /// calls wait in the order in which they were made, and [`try_call`](Self::try_call) returns [`CallError::Busy`].
    ///
    /// A call counts until the worker has finished it, even if it is cancelled while it runs.
    #[must_use]
    pub fn in_flight(self, n: usize) -> Self {
        let limit = InFlight { most: n.max(1), state: Mutex::default() };
        Self { limit: Some(Arc::new(limit)), ..self }
    }

    /// Sends a call. Returns its answer, which is a future; a thread can also block for it with [`join`](Answer::join).
    pub fn call(&self, question: Q) -> Answer<A> {
        let (ticket, jobs) = self.ticket(question);
        if let Some(jobs) = jobs {
            match &self.limit {
                None => jobs.ask(Arc::clone(&ticket)),
                Some(limit) => limit.ask(jobs, Arc::clone(&ticket)),
            }
        }
        self.answer(ticket)
    }

    /// As [`call`](Self::call), but only if the limit of [`in_flight`](Self::in_flight) is not reached.
    ///
    /// # Errors
    /// [`CallError::Busy`] if the limit is reached. Every other failure is an error of the answer.
    pub fn try_call(&self, question: Q) -> Result<Answer<A>, CallError> {
        let Some(limit) = &self.limit else { return Ok(self.call(question)) };
        if !limit.try_reserve() {
            return Err(CallError::Busy { call: self.call.name, in_flight: limit.most });
        }
        let (ticket, jobs) = self.ticket(question);
        match jobs {
            Some(jobs) => {
                ticket.reserve();
                jobs.ask(Arc::clone(&ticket));
            }
            None => limit.release(),
        }
        Ok(self.answer(ticket))
    }

    fn ticket(&self, question: Q) -> (Arc<Ticket>, Option<&Arc<Jobs>>) {
        let limit = self.limit.clone().map(|limit| limit as Arc<dyn Limit>);
        self.route.ticket(self.call, self.question, question, false, limit)
    }

    fn answer(&self, ticket: Arc<Ticket>) -> Answer<A> {
        Answer::new(ticket, self.answer, Home::of_thread(self.route.thread))
    }
}

impl<Q, A> fmt::Debug for Caller<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("call", &self.call.name)
            .field("worker", &self.route.worker)
            .finish_non_exhaustive()
    }
}

/// The calls of a caller that the worker has, and those that wait.
struct InFlight {
    most: usize,
    state: Mutex<Unanswered>,
}

#[derive(Default)]
struct Unanswered {
    /// The number of calls that the worker has.
    sent: usize,
    waiting: VecDeque<(Arc<Jobs>, Arc<Ticket>)>,
    /// The number of free places for calls that wait.
    released: usize,
    /// A thread is sending the calls that wait. A call that ends at once releases its place meanwhile.
    is_sending: bool,
}

impl InFlight {
    fn state(&self) -> MutexGuard<'_, Unanswered> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a place, unless the limit is reached. Returns whether it did.
    fn try_reserve(&self) -> bool {
        let mut state = self.state();
        let free = state.sent < self.most;
        state.sent += usize::from(free);
        free
    }

    /// Sends the call, now or when another call is finished.
    fn ask(&self, jobs: &Arc<Jobs>, ticket: Arc<Ticket>) {
        let mut state = self.state();
        if state.sent < self.most {
            state.sent += 1;
            drop(state);
            ticket.reserve();
            jobs.ask(ticket);
        } else {
            state.waiting.push_back((Arc::clone(jobs), ticket));
        }
    }
}

impl Limit for InFlight {
    fn release(&self) {
        let mut state = self.state();
        state.released += 1;
        if std::mem::replace(&mut state.is_sending, true) {
            return;
        }
        while state.released > 0 {
            state.released -= 1;
            let Some((jobs, ticket)) = state.waiting.pop_front() else {
                state.sent -= 1;
                continue;
            };
            drop(state);
            // A call that was cancelled meanwhile needs no place.
            if ticket.reserve() {
                jobs.ask(ticket);
                state = self.state();
            } else {
                state = self.state();
                state.released += 1;
            }
        }
        state.is_sending = false;
    }
}
