//! The thread of an isolate, from the handshake to its last message; and what a worker function has to be.

use std::fmt::Display;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{Inbox, Mailbox, ReactonStore};

use crate::error::SpawnError;
use crate::hub::{Hub, Link};
use crate::isolate::{IsolateBuilder, IsolateStore};
use crate::link::{Delivery, Outbox};
use crate::message::{CloseReason, IsolateMessage};
use crate::shared::{SharedSet, SharedSlot};
use crate::supervise;
use crate::sync::LinkId;

/// What a worker function may return: nothing, or a `Result` whose error ends the isolate as failed.
#[diagnostic::on_unimplemented(
    message = "a worker cannot return `{Self}`",
    label = "this is neither `()` nor `Result<(), E>`",
    note = "a worker returns nothing, or `Result<(), E>` with `E: Display`; results go into a shared reacton"
)]
pub trait Outcome {
    /// Nothing, or the error's words.
    ///
    /// # Errors
    /// If the worker returned an error.
    fn done(self) -> Result<(), String>;
}

impl Outcome for () {
    fn done(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn done(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// What `#[worker]` makes of a function. Programs use the functions of the type instead: `spawn`, `builder`, `shared`.
pub trait Worker: Sized + 'static {
    /// The name of the function, and of its thread.
    const NAME: &'static str;
    /// What it shares.
    const SHARED: &'static [SharedSlot];
    /// What a side that falls behind gets.
    const DELIVERY: Delivery = Delivery::Every;
    /// Its arguments after the store.
    type Args: Send + 'static;
    /// Calls the function.
    ///
    /// # Errors
    /// If the function returns an error: its words.
    fn run(store: &ReactonStore, args: Self::Args) -> Result<(), String>;
}

/// Starts a worker with its own options.
///
/// # Errors
/// As [`IsolateStore::spawn`] does.
pub fn spawn_worker<W: Worker>(
    store: &ReactonStore,
    args: W::Args,
) -> Result<IsolateStore, SpawnError> {
    WorkerBuilder::<W>::new().start(store, args)
}

/// Options for a worker: those of [`IsolateBuilder`]. Made by the worker's `builder()`.
#[derive(Debug)]
pub struct WorkerBuilder<W: Worker, A = <W as Worker>::Args> {
    builder: IsolateBuilder,
    worker: PhantomData<fn(A) -> W>,
}

impl<W: Worker> Default for WorkerBuilder<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Worker> WorkerBuilder<W> {
    /// The options that the attribute gave.
    #[must_use]
    pub fn new() -> Self {
        let builder = IsolateStore::builder()
            .name(W::NAME)
            .delivery(W::DELIVERY)
            .shared(SharedSet::__of::<W>());
        Self { builder, worker: PhantomData }
    }

    fn start(self, store: &ReactonStore, args: W::Args) -> Result<IsolateStore, SpawnError> {
        self.builder.spawn(store, move |store| W::run(store, args))
    }
}

impl<W: Worker, A> WorkerBuilder<W, A> {
    fn with(self, option: impl FnOnce(IsolateBuilder) -> IsolateBuilder) -> Self {
        Self { builder: option(self.builder), worker: PhantomData }
    }

    /// As [`IsolateBuilder::name`].
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with(|builder| builder.name(name))
    }

    /// As [`IsolateBuilder::delivery`].
    #[must_use]
    pub fn delivery(self, delivery: Delivery) -> Self {
        self.with(|builder| builder.delivery(delivery))
    }

    /// As [`IsolateBuilder::handshake_timeout`].
    #[must_use]
    pub fn handshake_timeout(self, timeout: Duration) -> Self {
        self.with(|builder| builder.handshake_timeout(timeout))
    }

    /// As [`IsolateBuilder::stack_size`].
    #[must_use]
    pub fn stack_size(self, bytes: usize) -> Self {
        self.with(|builder| builder.stack_size(bytes))
    }

    /// As [`IsolateBuilder::spin`].
    #[must_use]
    pub fn spin(self, spin: Duration) -> Self {
        self.with(|builder| builder.spin(spin))
    }
}

macro_rules! arities {
    ($(($($type:ident $value:ident),*))*) => { $(
        impl<W: Worker<Args = ($($type,)*)>, $($type: Send + 'static),*> WorkerBuilder<W, ($($type,)*)> {
            /// Starts the worker, with the arguments that its function takes after the store.
            ///
            /// # Errors
            /// As [`IsolateStore::spawn`] does.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn(self, store: &ReactonStore $(, $value: $type)*) -> Result<IsolateStore, SpawnError> {
                self.start(store, ($($value,)*))
            }
        }
    )* };
}

arities! {
    ()
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f)
    (A a, B b, C c, D d, E e, F f, G g)
    (A a, B b, C c, D d, E e, F f, G g, H h)
}

/// All that a worker's thread is given.
pub(crate) struct Start {
    pub(crate) link: LinkId,
    pub(crate) inbox: Inbox,
    /// Of the store that spawns.
    pub(crate) main: Mailbox,
    pub(crate) delivery: Delivery,
    pub(crate) shared: SharedSet,
    pub(crate) init: IsolateMessage,
    /// Where the acknowledgement goes; main waits there, not at its inbox, so that it takes no turn meanwhile.
    /// Held to the very end of the thread: by that main knows that it may join it.
    pub(crate) ready: std::sync::mpsc::SyncSender<IsolateMessage>,
}

/// Says the last word of a link, whatever happens on the thread before (rule 15).
struct Farewell {
    outbox: Rc<Outbox>,
    reason: CloseReason,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let reason = std::mem::replace(&mut self.reason, CloseReason::Disposed);
        self.outbox.send(IsolateMessage::Closed { reason });
    }
}

/// The whole life of a worker's thread.
pub(crate) fn live(start: Start, entry: impl FnOnce(&ReactonStore) -> Result<(), String>) {
    supervise::enter_worker();
    // Dropped after everything below it.
    let ready = start.ready;
    let outbox = Rc::new(Outbox::new(start.link, start.main, start.delivery));
    let mut farewell = Farewell { outbox: Rc::clone(&outbox), reason: CloseReason::Disposed };
    let store = start.inbox.into_store();
    let link = Link::new(outbox, &start.shared, None);
    farewell.reason = catch_unwind(AssertUnwindSafe(|| {
        let hub = Hub::of(&store);
        let mismatches = hub.join(&store, start.link, link, start.init);
        let agreed = mismatches.is_empty();
        // Main has given up if it does not listen any more.
        let heard = ready.send(IsolateMessage::HandshakeAck { mismatches }).is_ok();
        if agreed && heard { serve(&store, entry) } else { CloseReason::Disposed }
    }))
    .unwrap_or_else(|payload| supervise::failure(&*payload));
    // What its observers hold may panic when it is dropped; the first reason stands.
    let _ = catch_unwind(AssertUnwindSafe(|| store.dispose()));
    let _ = catch_unwind(AssertUnwindSafe(|| drop(store)));
}

/// Calls the worker's function, then takes turns until nothing is left to do.
fn serve(
    store: &ReactonStore,
    entry: impl FnOnce(&ReactonStore) -> Result<(), String>,
) -> CloseReason {
    if let Err(message) = entry(store) {
        return CloseReason::Failed { message, location: None };
    }
    while !store.is_disposed() {
        store.wait(Duration::MAX);
    }
    if Wiring::of(store).is_stopped() { CloseReason::Disposed } else { CloseReason::Drained }
}
