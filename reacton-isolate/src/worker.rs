//! What a worker function has to be, its options, and its thread from the handshake to the last message.

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use reacton_core::ReactonStore;

use crate::error::SpawnError;
use crate::isolate::{IsolateBuilder, IsolateStore};
use crate::life::{Birth, Life};
use crate::link::Delivery;
use crate::message::IsolateMessage;
use crate::shared::{SharedSet, SharedSlot};

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

/// The whole life of a worker's thread.
///
/// `ready` is where the acknowledgement goes; main waits there, not at its inbox, so that it takes no turn meanwhile.
/// It is held to the very end of the thread: by that main knows that it may join it.
pub(crate) fn live(
    birth: Birth,
    ready: SyncSender<IsolateMessage>,
    entry: impl FnOnce(&ReactonStore) -> Result<(), String>,
) {
    let (mut life, mismatches) = Life::begin(birth);
    let agreed = mismatches.is_empty();
    // Main has given up if it does not listen any more.
    let heard = ready.send(IsolateMessage::HandshakeAck { mismatches }).is_ok();
    if agreed && heard && life.run(entry) && life.run(take_turns) {
        life.complete();
    }
    drop(life);
    drop(ready);
}

/// Takes turns until nothing is left to do.
#[expect(clippy::unnecessary_wraps, reason = "something of a worker's, like its function")]
fn take_turns(store: &ReactonStore) -> Result<(), String> {
    while !store.is_disposed() {
        store.wait(Duration::MAX);
    }
    Ok(())
}
