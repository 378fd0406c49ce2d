//! Calls as main sees them: asking a worker or a pool, and what becomes of a call whose worker has ended.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, RunError, Turn};

use super::handle::IsolateStore;
use super::pool::Pool;
use super::supervise::{Event, Isolate, Log};
use crate::call::Call;
use crate::call::answer::Answer;
use crate::hub::Owner;
use crate::pool::{AssignedJob, Caller, Ended, Recovered, Route};
use crate::wire::message::CloseReason;

impl IsolateStore {
    /// Asks the worker, and returns the answer to come.
    ///
    /// What this store has committed before is in the worker's store when it answers, and what the worker committed before it
    /// answered has been taken in here when the answer arrives. A call that is made inside a batch is sent when the batch has
    /// ended. A call to a worker whose restart is under way waits for its successor.
    ///
    /// All that can go wrong is the error of the answer; see [`CallError`](crate::CallError).
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{Call, CallWay, Calls, IsolateStore};
    /// # use std::time::Duration;
    /// # static SQUARE: Call<u64, u64> = Call::__new("doc::SQUARE", CallWay::copied(), CallWay::copied());
    /// // #[call] static SQUARE: Call<u64, u64>;
    /// let store = ReactonStore::new();
    /// let worker = IsolateStore::builder().answers(&SQUARE).spawn(&store, |store: &ReactonStore| {
    ///     store.answer(&SQUARE, |_, n, _| n * n);
    /// })?;
    /// assert_eq!(worker.call(&SQUARE, 12).wait(&store, Duration::from_secs(10))?, 144);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call<Q, A, M>(&self, call: &Call<Q, A, M>, question: Q) -> Answer<A> {
        self.route().ask(self.main_store(), call, question)
    }

    /// What calls the worker from other threads.
    pub fn caller<Q, A, M>(&self, call: &Call<Q, A, M>) -> Caller<Q, A> {
        Caller::new(self.route(), call)
    }

    fn route(&self) -> Route {
        Route::to(self.isolate().jobs(), self.name())
    }
}

impl Pool {
    /// Asks the first member that is free, and returns the answer to come. The call is a job like any other: it waits its turn, is
    /// given to another member if its worker panics, as often as [`retries`](crate::IsolateBuilder::retries) allows, and is counted in
    /// the [statistics](Self::stats).
    ///
    /// Otherwise as [`IsolateStore::call`].
    pub fn call<Q, A, M>(&self, call: &Call<Q, A, M>, question: Q) -> Answer<A> {
        self.route().ask(self.main_store(), call, question)
    }

    /// What calls the members from other threads.
    pub fn caller<Q, A, M>(&self, call: &Call<Q, A, M>) -> Caller<Q, A> {
        Caller::new(self.route(), call)
    }

    fn route(&self) -> Route {
        Route::to(Some(self.jobs()), "pool")
    }

    /// Waits, taking turns of `store`, the main store, until everything that was given to the pool is done: all jobs, all calls,
    /// and all that observers of their results have given meanwhile. What the members wrote has been taken in by then.
    ///
    /// # Errors
    /// As [`run_until`](ReactonStore::run_until).
    ///
    /// # Panics
    /// As [`pump`](ReactonStore::pump) does.
    pub fn idle(&self, store: &ReactonStore, timeout: Duration) -> Result<(), RunError> {
        // The results were sent before the jobs counted as done: one more turn takes them in.
        let has_all = |store: &ReactonStore| {
            self.jobs().is_idle() && {
                store.pump();
                self.jobs().is_idle()
            }
        };
        store.run_until(timeout, has_all)
    }

    /// As [`idle`](Self::idle), without blocking the thread, and for as long as it takes. Polling it takes turns of the main store.
    ///
    /// # Errors
    /// If the main store ends.
    ///
    /// # Panics
    /// As [`pump`](ReactonStore::pump) does.
    pub async fn idle_async(&self) -> Result<(), RunError> {
        let Some(store) = self.main_store() else { return Err(RunError::Disconnected) };
        let mut turn = store.turn();
        poll_fn(|context| self.poll_idle(&store, &mut turn, context)).await
    }

    fn poll_idle(
        &self,
        store: &ReactonStore,
        turn: &mut Turn,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), RunError>> {
        loop {
            if Wiring::of(store).is_busy() {
                // Where a turn takes in nothing.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !self.jobs().wake_when_idle(context.waker().clone()) {
                store.pump();
                if self.jobs().is_idle() {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match Pin::new(&mut *turn).poll(context) {
                Poll::Ready(0) => return Poll::Ready(Err(RunError::Disconnected)),
                Poll::Ready(_) => *turn = store.turn(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// The calls that a worker was at when it ended.
#[derive(Default)]
pub(super) struct OpenCalls(Vec<AssignedJob>);

impl OpenCalls {
    /// Of the present worker of `isolate`, which has ended; `job` is the job that it had.
    pub(super) fn of(isolate: &Isolate, job: Option<AssignedJob>) -> (Option<AssignedJob>, Self) {
        let Some(jobs) = isolate.jobs() else { return (job, Self::default()) };
        let (call, job) = match job {
            Some(taken) if taken.is_call() => (Some(taken), None),
            job => (None, job),
        };
        let mut calls = jobs.leave_detached(isolate.link());
        calls.extend(call);
        (job, Self(calls))
    }

    /// Each goes to another worker, or is over.
    pub(super) fn recover(
        self,
        isolate: &Isolate,
        reason: &CloseReason,
        is_followed: bool,
        log: &mut Log,
    ) {
        let Some(jobs) = isolate.jobs() else { return };
        let another = match isolate.pool() {
            Some(pool) => !pool.is_disposed() && pool.has_members(),
            None => is_followed,
        };
        for taken in self.0 {
            match jobs.recover_call(taken, reason, another) {
                Recovered::Settled => {}
                Recovered::GivenAgain { job, deaths } => {
                    log.add(isolate.name(), Event::JobGivenAgain { job, deaths });
                }
                Recovered::Lost { job, reason } => {
                    log.add(isolate.name(), Event::JobLost { job, reason });
                }
            }
        }
    }
}

impl Isolate {
    /// Its last worker has ended like this.
    pub(super) fn note_end(&self, reason: &CloseReason) {
        let message = match reason {
            CloseReason::Failed { message } | CloseReason::Panicked { message, .. } => message,
            CloseReason::Drained | CloseReason::Disposed => return,
        };
        let message = match self.pool() {
            Some(_) => format!("no worker of the pool is left; the last one failed: {message}"),
            None => message.clone(),
        };
        self.set_ended(Ended::Died(message));
    }
}
