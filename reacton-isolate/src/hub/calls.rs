//! The calls that one store answers: what answers each, and the async answers that are not ready.

mod tasks;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::wiring::{Incoming, Wiring};
use reacton_core::{FirstPanic, ReactonStore, RefId, RefMap};

pub(crate) use self::tasks::{Owner, PolledOutside, Tasks};
use super::Hub;
use crate::call::Call;
use crate::call::asked::Asked;
use crate::call::home::{Home, HomeNumber};
use crate::call::way::{CallMode, CallWay};
use crate::error::CallError;
use crate::sync::LinkId;
use crate::wire::ticket::{CallRef, Outcome, Ticket};
use crate::wire::value::Payload;

/// What a hub keeps of calls.
#[derive(Default)]
pub(crate) struct Calls {
    handlers: RefCell<RefMap<Rc<dyn Handler>>>,
    tasks: Tasks,
    /// Calls made in the open batch: each is sent after the batch's transaction.
    deferred: RefCell<Vec<Deferred>>,
    home: HomeNumber,
    /// Calls sent over links to workers, until they come back.
    sent: RefCell<RefMap<Sent>>,
    made: Cell<u64>,
    /// Answers in which this worker has panicked.
    faults: RefCell<Vec<Faulted>>,
}

/// Sends a call.
type SendCall = Box<dyn FnOnce(&Hub, Arc<Ticket>)>;

/// A call, and what sends it.
struct Deferred {
    ticket: Arc<Ticket>,
    send: SendCall,
}

/// A call that was sent over a link.
struct Sent {
    link: LinkId,
    /// Its number in the worker's queue, from which it was already taken.
    job: u64,
    ticket: Arc<Ticket>,
}

/// A call in whose answer the worker has panicked, its link, and how it came.
type Faulted = (Arc<Ticket>, LinkId, Came);

/// How a call came to the worker that answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// On the link itself, with this number.
    ByLink(u64),
    /// As the job that the worker is at.
    AsJob,
    /// As the job of this number, whose answer goes on while the worker does others.
    Detached(u64),
}

/// The key of a number in a `RefMap`, which needs its bits spread.
fn key(number: u64) -> RefId {
    RefId::from_u64(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// What answers one call.
trait Handler {
    fn answer(
        &self,
        store: &ReactonStore,
        call: CallRef,
        question: &Payload,
        asked: &Asked,
    ) -> Reply;
}

/// What an answer begins with.
pub(crate) enum Reply {
    Ready(Outcome),
    Later(Pin<Box<dyn Future<Output = Outcome>>>),
}

struct Direct<F, Q, A> {
    f: RefCell<F>,
    question: CallWay<Q>,
    answer: CallWay<A>,
}

impl<F, Q: 'static, A: 'static> Handler for Direct<F, Q, A>
where
    F: FnMut(&ReactonStore, &Q, &Asked) -> A,
{
    fn answer(
        &self,
        store: &ReactonStore,
        call: CallRef,
        question: &Payload,
        asked: &Asked,
    ) -> Reply {
        let answer = match self.question.unpack(question) {
            Ok(question) => {
                let question = match &question {
                    Incoming::Owned(question) => question,
                    Incoming::Shared(question) => &**question,
                };
                (self.f.borrow_mut())(store, question, asked)
            }
            Err(reason) => return Reply::Ready(Err(undecoded(call, reason))),
        };
        Reply::Ready(packed(call, self.answer, answer))
    }
}

/// As [`Direct`], with a future for each call. `M` says what the closure is given.
struct Async<F, Q, A, M> {
    f: RefCell<F>,
    question: CallWay<Q>,
    answer: CallWay<A>,
    mode: PhantomData<fn() -> M>,
}

impl<F, U, Q: 'static, A: 'static, M: CallMode> Handler for Async<F, Q, A, M>
where
    F: FnMut(ReactonStore, M::Question<Q>, Asked) -> U,
    U: Future<Output = A> + 'static,
{
    fn answer(
        &self,
        store: &ReactonStore,
        call: CallRef,
        question: &Payload,
        asked: &Asked,
    ) -> Reply {
        let unpacked = self.question.unpack(question).and_then(|question| {
            M::question(question).ok_or_else(|| String::from("its mode is another there"))
        });
        let question = match unpacked {
            Ok(question) => question,
            Err(reason) => return Reply::Ready(Err(undecoded(call, reason))),
        };
        let future = (self.f.borrow_mut())(store.clone(), question, asked.clone());
        let way = self.answer;
        Reply::Later(Box::pin(async move { packed(call, way, future.await) }))
    }
}

fn undecoded(call: CallRef, reason: String) -> CallError {
    CallError::Decode { call: call.name, reason }
}

fn packed<A>(call: CallRef, way: CallWay<A>, answer: A) -> Outcome {
    way.pack(answer).map_err(|reason| CallError::Encode { call: call.name, reason })
}

impl Hub {
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Called when a call was answered.
    pub(crate) fn note_worked(&self) {
        self.worked.set(true);
    }

    /// Whether the worker's function runs.
    pub(crate) fn is_in_function(&self) -> bool {
        self.in_function.get()
    }

    pub(crate) fn set_in_function(&self, runs: bool) {
        self.in_function.set(runs);
    }
}

impl Calls {
    /// Lets `f` answer `call`.
    #[track_caller]
    pub(crate) fn answer_by<Q: 'static, A: 'static, M>(
        &self,
        call: &Call<Q, A, M>,
        f: impl FnMut(&ReactonStore, &Q, &Asked) -> A + 'static,
    ) {
        let (question, answer) = (call.question(), call.answer());
        self.register(call.call(), Rc::new(Direct { f: RefCell::new(f), question, answer }));
    }

    /// As [`answer_by`](Self::answer_by), with a future for each call.
    #[track_caller]
    pub(crate) fn answer_async_by<Q: 'static, A: 'static, M: CallMode, U>(
        &self,
        call: &Call<Q, A, M>,
        f: impl FnMut(ReactonStore, M::Question<Q>, Asked) -> U + 'static,
    ) where
        U: Future<Output = A> + 'static,
    {
        let (question, answer) = (call.question(), call.answer());
        let handler =
            Async { f: RefCell::new(f), question, answer, mode: PhantomData::<fn() -> M> };
        self.register(call.call(), Rc::new(handler));
    }

    #[track_caller]
    fn register(&self, call: CallRef, handler: Rc<dyn Handler>) {
        let before = self.handlers.borrow_mut().insert(call.id, handler);
        assert!(
            before.is_none(),
            "`{}` is answered twice in one store: remove one of the two, or choose within one closure",
            call.name
        );
    }

    /// Begins to answer; `None` if nothing does.
    pub(crate) fn answer(
        &self,
        store: &ReactonStore,
        call: CallRef,
        question: &Payload,
        asked: &Asked,
    ) -> Option<Reply> {
        let handler = self.handlers.borrow().get(&call.id).cloned()?;
        Some(handler.answer(store, call, question, asked))
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The home of calls that are made on the thread of `store`, which owns this hub.
    pub(crate) fn home(&self, store: &ReactonStore) -> Home {
        self.home.home(store)
    }

    /// Sends a call, after the transaction of the batch if one is open.
    pub(crate) fn send(
        &self,
        store: &ReactonStore,
        hub: &Hub,
        ticket: Arc<Ticket>,
        send: impl FnOnce(&Hub, Arc<Ticket>) + 'static,
    ) {
        let wiring = Wiring::of(store);
        if wiring.is_ended() {
            ticket.complete(Err(ticket.disposal()));
        } else if wiring.is_in_batch() {
            self.deferred.borrow_mut().push(Deferred { ticket, send: Box::new(send) });
        } else {
            send(hub, ticket);
        }
    }

    /// Records that a call is sent over a link. Returns the number with which it comes back.
    pub(crate) fn note_sent(&self, link: LinkId, job: u64, ticket: &Arc<Ticket>) -> u64 {
        let number = self.made.get() + 1;
        self.made.set(number);
        let sent = Sent { link, job, ticket: Arc::clone(ticket) };
        self.sent.borrow_mut().insert(key(number), sent);
        number
    }

    /// Records that a call has come back. Returns whether it was expected: its link may be closed.
    pub(crate) fn note_returned(&self, number: u64) -> bool {
        let sent = self.sent.borrow_mut().remove(&key(number));
        sent.is_some()
    }

    /// Takes out the calls of a link that is closed, each with its number in the worker's queue.
    pub(crate) fn take_sent(&self, link: LinkId) -> Vec<(u64, Arc<Ticket>)> {
        let mut sent = self.sent.borrow_mut();
        let taken = sent.extract_if(|_, sent| sent.link == link);
        taken.map(|(_, sent)| (sent.job, sent.ticket)).collect()
    }

    /// Records that this worker panics in an answer.
    pub(crate) fn note_fault(&self, ticket: Arc<Ticket>, link: LinkId, came: Came) {
        self.faults.borrow_mut().push((ticket, link, came));
    }

    pub(crate) fn take_faults(&self) -> Vec<Faulted> {
        self.faults.take()
    }

    /// Called when the outermost batch has ended: sends its calls.
    #[inline]
    pub(super) fn batch_ended(&self, hub: &Hub) {
        if !self.deferred.borrow().is_empty() {
            self.deferred.take().into_iter().for_each(|call| (call.send)(hub, call.ticket));
        }
    }

    /// Called when the store has ended. Drops user code.
    pub(super) fn end(&self, panics: &mut FirstPanic) {
        let handlers = self.handlers.take();
        panics.drop_each(handlers.into_values());
        self.tasks.end(panics);
        let deferred = self.deferred.take().into_iter().map(|call| call.ticket);
        let sent = self.sent.take().into_values().map(|sent| sent.ticket);
        for ticket in deferred.chain(sent) {
            ticket.complete(Err(ticket.disposal()));
        }
    }
}
