//! Workers in child processes: the functions to call, and the spawn.

use std::fmt;
use std::sync::Arc;

use reacton_core::ReactonStore;

use super::begin::{Begun, Spawning};
use super::builder::{BegunPool, IsolateBuilder, Mode};
use super::handle::IsolateStore;
use super::pool::Pool;
use super::reach::Place;
use super::worker::{Worker, WorkerBuilder};
use crate::error::SpawnError;
pub use crate::host::guest::Served;
use crate::host::process::{Launch, is_child, run_as_child, serve as record};
use crate::isolate::supervise::RestartPlan;
use crate::shared::SharedSet;
use crate::wire::codec;
use crate::wire::ticket::CallRef;
use crate::worker::away::Away as Elsewhere;
pub use crate::worker::away::{Argument, Process};
pub use crate::worker::exit::Exit;
use crate::worker::setup::Entry;

/// A mode of a builder: its worker runs in a process of its own. So the arguments must be serializable.
#[derive(Debug, Clone, Copy)]
pub struct Away(());

/// A mode of a builder: it starts several workers of one kind, each in a process of its own.
#[derive(Debug, Clone, Copy)]
pub struct ManyAway(());

impl Mode for Away {
    type Restarting = Self;
    type Pooled = ManyAway;
    type Away = Self;
}

impl Mode for ManyAway {
    type Restarting = Self;
    type Pooled = Self;
    type Away = Self;
}

/// The workers that a program runs in processes: made by `workers![..]`.
#[derive(Clone)]
pub struct Workers(pub(super) Vec<Served>);

impl<const N: usize> From<[Served; N]> for Workers {
    fn from(workers: [Served; N]) -> Self {
        Self(workers.into())
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Served {
    /// A worker that can run in a process.
    #[must_use]
    pub fn of<W: Worker<Args: Argument>>() -> Self {
        Self::new(W::PATH, W::NAME, SharedSet::__of::<W>, answers::<W>, entry_of_bytes::<W>)
    }
}

fn answers<W: Worker>() -> Vec<CallRef> {
    W::ANSWERS.iter().map(|slot| slot.call()).collect()
}

fn entry_of_bytes<W: Worker<Args: Argument>>(args: &[u8]) -> Result<Entry, String> {
    let args: W::Args = codec::decode(args)?;
    Ok(Box::new(move |store| W::run(store, args)))
}

/// Lets this program run `workers` in processes. It is the first line of `main`.
///
/// To start a worker's process, the program starts its own executable again. In that process this function runs the
/// worker, and never returns. In the original process it returns at once. The lines of `main` before it run in every
/// process.
///
/// # Panics
/// If two of the workers have one path: two functions of one name in one module.
#[track_caller]
pub fn serve(workers: impl Into<Workers>) {
    Serve::new(workers).run();
}

/// As [`serve`], with code that runs in the process of a worker before the worker.
///
/// # Examples
/// ```
/// # use reacton_isolate::process::{Serve, Workers};
/// # fn init_logging() {}
/// # let workers = Workers::from([]);
/// Serve::new(workers).before(init_logging).run();
/// ```
#[must_use = "it serves when it is `run`"]
pub struct Serve {
    workers: Workers,
    before: Option<Box<dyn FnOnce()>>,
}

impl Serve {
    /// Serves these workers, once it is [`run`](Self::run).
    pub fn new(workers: impl Into<Workers>) -> Self {
        Self { workers: workers.into(), before: None }
    }

    /// Runs `before` in the process of a worker, before the worker: for example to set a `tracing` subscriber, or to
    /// drop privileges. It is not called in the process that spawns.
    pub fn before(self, before: impl FnOnce() + 'static) -> Self {
        Self { before: Some(Box::new(before)), ..self }
    }

    /// Runs the worker of this process and never returns, or records the workers and returns at once.
    ///
    /// # Panics
    /// If two of the workers have one path.
    #[track_caller]
    pub fn run(self) {
        record(Launch::Main, &self.workers.0);
        if is_child(false) {
            run_as_child(self.before);
        }
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// The body of the test of `test_workers!`: does nothing unless this process was started as a worker.
#[doc(hidden)]
#[track_caller]
pub fn __test(workers: impl Into<Workers>) {
    if is_child(true) {
        record(Launch::Test, &workers.into().0);
        run_as_child(None);
    }
}

impl<W: Worker, A, M: Mode> WorkerBuilder<W, A, M> {
    /// Runs the worker in a process of its own instead of a thread: a crash, an abort or an endless loop ends only that
    /// process. After this call `spawn` requires that the arguments are serializable. It does not clone them.
    ///
    /// The program must [`serve`](crate::process::serve) the worker. All shared values are serialized, `zero_copy`
    /// values too.
    ///
    /// In a [simulation](crate::testing) no process is started: the worker runs in the simulation. Its arguments and
    /// values are still serialized.
    pub fn process(self) -> WorkerBuilder<W, A, M::Away> {
        self.option(IsolateBuilder::in_mode)
    }

    /// Runs the worker at another place: on a host that offers it under the name `offer`. After this call `spawn`
    /// requires that the arguments are serializable. It does not clone them. All shared values are serialized,
    /// `zero_copy` values too.
    ///
    /// A place is a session of the extension `reacton-net`. In a [simulation](crate::testing) the worker runs in the
    /// simulation.
    pub fn at(mut self, place: &impl Place, offer: &str) -> WorkerBuilder<W, A, M::Away> {
        self.carrier = Some(place.__carrier(offer));
        self.option(IsolateBuilder::in_mode)
    }
}

impl<W: Worker, A> WorkerBuilder<W, A, Away> {
    /// Options for the process.
    pub fn with(mut self, process: Process) -> Self {
        self.process = process;
        self
    }
}

impl<W: Worker, A> WorkerBuilder<W, A, ManyAway> {
    /// Options for the process of each member.
    pub fn with(mut self, process: Process) -> Self {
        self.process = process;
        self
    }

    /// As [`IsolateBuilder::for_all`].
    pub fn for_all(self, reactons: impl Into<SharedSet>) -> Self {
        self.option(|builder| builder.set_for_all(reactons))
    }
}

impl<W: Worker<Args: Argument>, M: Mode> WorkerBuilder<W, W::Args, M> {
    /// The same worker in a process, and a function that makes its entry. The function is called only in a simulation,
    /// because a process decodes its arguments itself.
    fn elsewhere(
        self,
        args: &W::Args,
    ) -> Result<(IsolateBuilder<M>, impl Fn() -> Entry + Clone + use<W, M>), SpawnError> {
        let Self { mut builder, process, carrier, .. } = self;
        let worker = builder.options.name.clone();
        if let Some(slot) = W::ANSWERS.iter().find(|slot| slot.is_counted()) {
            return Err(SpawnError::ZeroCopyCall { worker, call: slot.call().name });
        }
        let away = Elsewhere::new(W::PATH, args, process, carrier)
            .map_err(|reason| SpawnError::Arguments { worker: worker.clone(), reason })?;
        let shared = builder.options.shared.over_bytes();
        builder.options.shared =
            shared.map_err(|reacton| SpawnError::NotSerializable { worker, reacton })?;
        let args = Arc::clone(&away.args);
        builder.options.away = Some(Arc::new(away));
        let entry = move || -> Entry {
            let args = Arc::clone(&args);
            Box::new(move |store| entry_of_bytes::<W>(&args)?(store))
        };
        Ok((builder, entry))
    }
}

impl<W: Worker<Args: Argument>> WorkerBuilder<W, W::Args, Away> {
    fn begin(self, store: &ReactonStore, args: &W::Args) -> Result<Begun, SpawnError> {
        let (builder, entry) = self.elsewhere(args)?;
        let first = entry();
        let plan = RestartPlan::away(builder.restart, builder.max_backoff, entry);
        builder.options.begin(store, first, Some(plan), None)
    }
}

impl<W: Worker<Args: Argument>> WorkerBuilder<W, W::Args, ManyAway> {
    fn begin(self, store: &ReactonStore, args: &W::Args) -> Result<BegunPool, SpawnError> {
        let (builder, entry) = self.elsewhere(args)?;
        let (restart, max_backoff) = (builder.restart, builder.max_backoff);
        builder
            .begin_each(store, || (entry(), RestartPlan::away(restart, max_backoff, entry.clone())))
    }
}

macro_rules! arities {
    ($(($($type:ident $value:ident),*))*) => { $(
        impl<W: Worker<Args = ($($type,)*)>, $($type: Argument + Send + 'static),*> WorkerBuilder<W, ($($type,)*), Away>
        where
            W::Args: Argument,
        {
            /// Starts the worker in a process, with the arguments that its function takes after the store; returns after the handshake.
            ///
            /// # Errors
            /// As [`IsolateStore::spawn`] does. At once, and without a process, if the program does not serve the worker, if what is
            /// shared is not serializable, or if the arguments do not encode.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn(self, store: &ReactonStore $(, $value: $type)*) -> Result<IsolateStore, SpawnError> {
                let args = ($($value,)*);
                self.begin(store, &args)?.wait()
            }

            /// As [`spawn`](Self::spawn), but waits for the handshake without blocking the thread.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn_async(self, store: &ReactonStore $(, $value: $type)*) -> Spawning {
                let args = ($($value,)*);
                Spawning::of(self.begin(store, &args))
            }
        }

        impl<W: Worker<Args = ($($type,)*)>, $($type: Argument + Send + 'static),*> WorkerBuilder<W, ($($type,)*), ManyAway>
        where
            W::Args: Argument,
        {
            /// Starts the members of a pool, each in a process of its own, with the arguments that the function takes after the store;
            /// returns after the last handshake.
            ///
            /// # Errors
            /// As for one worker in a process, for the first member that does not start; then none is left. If the pool is to have no
            /// members, and if something that is to go to all is not shared.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn(self, store: &ReactonStore $(, $value: $type)*) -> Result<Pool, SpawnError> {
                let args = ($($value,)*);
                self.begin(store, &args)?.wait()
            }

            /// As [`spawn`](Self::spawn), but waits for the handshakes without blocking the thread.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn_async(self, store: &ReactonStore $(, $value: $type)*) -> Spawning<Pool> {
                let args = ($($value,)*);
                let begun = self.begin(store, &args);
                Spawning::new(async move { begun?.wait_async().await })
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
