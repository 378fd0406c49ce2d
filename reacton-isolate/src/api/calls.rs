//! Calls from the main store: asking a worker or a pool.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, RunError, Turn};

use crate::api::handle::IsolateStore;
use crate::api::pool::Pool;
use crate::call::Call;
use crate::call::answer::Answer;
use crate::hub::Hub;
use crate::pool::{Caller, Route};

impl IsolateStore {
    /// Calls the worker, and returns the [`Answer`](crate::Answer), which is a future.
    ///
    /// The worker answers after it has applied everything that this store committed before the call. The answer arrives
    /// after this store has applied everything that the worker committed before it. A call inside a batch is sent when
    /// the batch has ended. If the worker is being restarted, the call waits for the new worker.
    ///
    /// Every failure is an error of the answer; see [`CallError`](crate::CallError).
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
        let isolate = Rc::clone(self.isolate());
        let send = move |hub: &Hub, ticket| isolate.send_call(hub, ticket);
        self.route().ask(self.main_store(), call, question, send)
    }

    /// A [`Caller`](crate::Caller), which calls the worker from any thread.
    pub fn caller<Q, A, M>(&self, call: &Call<Q, A, M>) -> Caller<Q, A> {
        Caller::new(self.route(), call)
    }

    fn route(&self) -> Route {
        Route::to(self.isolate().jobs(), self.name())
    }
}

impl Pool {
    /// Calls the first free member, and returns the [`Answer`](crate::Answer), which is a future. The call is a job: it
    /// is queued, it is repeated by another member after a panic, as often as
    /// [`retries`](crate::IsolateBuilder::retries) allows, and it is counted in the [statistics](Self::stats).
    ///
    /// Otherwise as [`IsolateStore::call`].
    pub fn call<Q, A, M>(&self, call: &Call<Q, A, M>, question: Q) -> Answer<A> {
        let jobs = Arc::clone(self.jobs());
        self.route().ask(self.main_store(), call, question, move |_, ticket| jobs.ask(ticket))
    }

    /// A [`Caller`](crate::Caller), which calls the members from any thread.
    pub fn caller<Q, A, M>(&self, call: &Call<Q, A, M>) -> Caller<Q, A> {
        Caller::new(self.route(), call)
    }

    fn route(&self) -> Route {
        Route::to(Some(self.jobs()), "pool")
    }

    /// Waits until all jobs and calls of the pool are done, also those that observers of the results add meanwhile. It
    /// takes turns of `store`, the main store. When it returns, everything that the members wrote has been applied.
    ///
    /// # Errors
    /// As [`run_until`](ReactonStore::run_until).
    ///
    /// # Panics
    /// As [`pump`](ReactonStore::pump) does.
    pub fn idle(&self, store: &ReactonStore, timeout: Duration) -> Result<(), RunError> {
        // Results were sent before their jobs counted as done, so one more turn applies them.
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
                // A turn applies nothing here.
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
