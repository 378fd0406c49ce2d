//! The worker's side of calls: it answers them, and waits for the store that spawned it.

use std::future::Future;

use reacton_core::ReactonStore;

use crate::api::main_link::MainLink;
use crate::call::Call;
use crate::call::asked::Asked;
use crate::call::way::CallMode;
use crate::hub::Hub;
use crate::pool::Membership;
use crate::wire::ticket::CallRef;

/// Answers calls. Implemented by [`ReactonStore`]; the prelude imports it.
pub trait Calls {
    /// From now on `f` answers `call`, on this thread: it is given the store, the question, and the call itself, by which long work
    /// finds out that the answer is not waited for any more.
    ///
    /// It is called in a turn, as an observer is. What main has committed before it called is in the store by then; what `f` commits
    /// has arrived in main when the answer has. A panic in `f` ends the worker as one of an observer does, and is the error of this
    /// call.
    ///
    /// # Panics
    /// If the call is answered already; if this is a worker whose `answers = [..]` does not list the call.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{Call, CallWay, Calls, IsolateStore};
    /// # use std::time::Duration;
    /// # static LENGTH: Call<String, usize> = Call::__new("doc::LENGTH", CallWay::copied(), CallWay::copied());
    /// // #[call] static LENGTH: Call<String, usize>;
    /// let store = ReactonStore::new();
    /// let worker = IsolateStore::builder().answers(&LENGTH).spawn(&store, |store: &ReactonStore| {
    ///     store.answer(&LENGTH, |_, text, _| text.len());
    /// })?;
    /// let answer = worker.call(&LENGTH, String::from("four"));
    /// assert_eq!(answer.wait(&store, Duration::from_secs(10))?, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    fn answer<Q, A, M>(
        &self,
        call: &Call<Q, A, M>,
        f: impl FnMut(&ReactonStore, &Q, &Asked) -> A + 'static,
    );

    /// As [`answer`](Self::answer), with a future for each call: several run at a time, and each is answered when it is ready. The
    /// closure is given a handle of the store and the question itself; of a `zero_copy` call an `Arc` of it.
    ///
    /// The futures are polled on this thread, between turns, by an async worker and after the worker's function has returned. A
    /// function with a loop of its own polls them in its turns; there they cannot await turns themselves.
    ///
    /// # Panics
    /// As [`answer`](Self::answer) does.
    #[track_caller]
    fn answer_async<Q, A, M, U>(
        &self,
        call: &Call<Q, A, M>,
        f: impl FnMut(ReactonStore, M::Question<Q>, Asked) -> U + 'static,
    ) where
        M: CallMode,
        U: Future<Output = A> + 'static;

    /// The link to the store that spawned this one: to [wait](MainLink::flush) until it has applied what this worker writes. In a
    /// store that is no worker's, it does nothing.
    fn main(&self) -> MainLink;
}

impl Calls for ReactonStore {
    #[track_caller]
    fn answer<Q, A, M>(
        &self,
        call: &Call<Q, A, M>,
        f: impl FnMut(&ReactonStore, &Q, &Asked) -> A + 'static,
    ) {
        let hub = Hub::of(self);
        refuse_unlisted(&hub, call.call());
        hub.calls().answer_by(call, f);
    }

    #[track_caller]
    fn answer_async<Q, A, M, U>(
        &self,
        call: &Call<Q, A, M>,
        f: impl FnMut(ReactonStore, M::Question<Q>, Asked) -> U + 'static,
    ) where
        M: CallMode,
        U: Future<Output = A> + 'static,
    {
        let hub = Hub::of(self);
        refuse_unlisted(&hub, call.call());
        hub.calls().answer_async_by(call, f);
    }

    fn main(&self) -> MainLink {
        MainLink::of_any(self)
    }
}

/// Panics if the worker whose hub this is does not list the call.
#[track_caller]
fn refuse_unlisted(hub: &Hub, call: CallRef) {
    let Some(end) = hub.parent().and_then(|id| hub.link(id)) else { return };
    let is_listed = Membership::of(&end).is_some_and(|own| own.answers(call));
    assert!(
        is_listed,
        "`{}` is not among the calls of this worker: add it to `answers = [..]` of `#[worker]`, or to the builder by `.answers(&..)`",
        call.name
    );
}
