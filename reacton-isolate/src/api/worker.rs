//! What `#[worker]` makes of a function, and the options with which a program starts it.

use std::marker::PhantomData;
#[cfg(feature = "process")]
use std::sync::Arc;
use std::time::Duration;

use reacton_core::ReactonStore;

use crate::api::begin::Spawning;
use crate::api::builder::{Again, IsolateBuilder, Many, Mode, Once, Repeatable};
use crate::api::handle::IsolateStore;
use crate::api::pool::Pool;
use crate::call::listed::AnswerSlot;
use crate::error::SpawnError;
use crate::isolate::supervise::Restart;
use crate::link::Delivery;
use crate::shared::{SharedSet, SharedSlot};
#[cfg(feature = "process")]
use crate::worker::away::Process;
#[cfg(feature = "process")]
use crate::worker::carrier::Carrier;

/// A worker that `#[worker]` declares. Programs use the functions of its type: `spawn`, `builder`, `shared`.
pub trait Worker: Sized + 'static {
    /// The name of the function, and of its thread.
    const NAME: &'static str;
    /// The path of the function, by which a process finds it.
    const PATH: &'static str;
    /// What it shares.
    const SHARED: &'static [SharedSlot];
    /// The calls that it answers.
    const ANSWERS: &'static [AnswerSlot] = &[];
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
#[doc(hidden)]
pub fn spawn_worker<W: Worker>(
    store: &ReactonStore,
    args: W::Args,
) -> Result<IsolateStore, SpawnError> {
    WorkerBuilder::<W>::new().builder.spawn(store, move |store| W::run(store, args))
}

/// As [`spawn_worker`], without blocking the thread.
#[doc(hidden)]
pub fn spawn_worker_async<W: Worker>(store: &ReactonStore, args: W::Args) -> Spawning {
    WorkerBuilder::<W>::new().builder.spawn_async(store, move |store| W::run(store, args))
}

/// Options for a worker: those of [`IsolateBuilder`]. Made by the worker's `builder()`.
///
/// `M` is [`Once`], until [`restart`](Self::restart) makes it [`Again`].
#[derive(Debug)]
#[must_use = "a worker starts with `spawn`"]
pub struct WorkerBuilder<W: Worker, A = <W as Worker>::Args, M = Once> {
    pub(super) builder: IsolateBuilder<M>,
    #[cfg(feature = "process")]
    pub(super) process: Process,
    /// What starts the worker elsewhere; `None` for a process of this program.
    #[cfg(feature = "process")]
    pub(super) carrier: Option<Arc<dyn Carrier>>,
    worker: PhantomData<fn(A) -> W>,
}

impl<W: Worker> Default for WorkerBuilder<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Worker> WorkerBuilder<W> {
    /// The options that the attribute gave.
    pub fn new() -> Self {
        let builder = IsolateStore::builder()
            .name(W::NAME)
            .delivery(W::DELIVERY)
            .answers_all(W::ANSWERS)
            .shared(SharedSet::__of::<W>());
        Self {
            builder,
            #[cfg(feature = "process")]
            process: Process::default(),
            #[cfg(feature = "process")]
            carrier: None,
            worker: PhantomData,
        }
    }
}

impl<W: Worker, A, M: Mode> WorkerBuilder<W, A, M> {
    pub(super) fn option<N>(
        self,
        option: impl FnOnce(IsolateBuilder<M>) -> IsolateBuilder<N>,
    ) -> WorkerBuilder<W, A, N> {
        WorkerBuilder {
            builder: option(self.builder),
            #[cfg(feature = "process")]
            process: self.process,
            #[cfg(feature = "process")]
            carrier: self.carrier,
            worker: PhantomData,
        }
    }

    /// As [`IsolateBuilder::name`].
    pub fn name(self, name: impl Into<String>) -> Self {
        self.option(|builder| builder.name(name))
    }

    /// As [`IsolateBuilder::delivery`].
    pub fn delivery(self, delivery: Delivery) -> Self {
        self.option(|builder| builder.delivery(delivery))
    }

    /// As [`IsolateBuilder::retries`].
    pub fn retries(self, retries: u32) -> Self {
        self.option(|builder| builder.retries(retries))
    }

    /// As [`IsolateBuilder::handshake_timeout`].
    pub fn handshake_timeout(self, timeout: Duration) -> Self {
        self.option(|builder| builder.handshake_timeout(timeout))
    }

    /// As [`IsolateBuilder::stack_size`].
    pub fn stack_size(self, bytes: usize) -> Self {
        self.option(|builder| builder.stack_size(bytes))
    }

    /// As [`IsolateBuilder::spin`].
    pub fn spin(self, spin: Duration) -> Self {
        self.option(|builder| builder.spin(spin))
    }

    /// As [`IsolateBuilder::restart`]. After this call `spawn` requires that the worker's arguments are `Clone`.
    pub fn restart(self, restart: Restart) -> WorkerBuilder<W, A, M::Restarting> {
        self.option(|builder| builder.restart(restart))
    }

    /// As [`IsolateBuilder::max_backoff`].
    pub fn max_backoff(self, max_backoff: Duration) -> Self {
        self.option(|builder| builder.max_backoff(max_backoff))
    }

    /// As [`IsolateBuilder::pool`]. After this call `spawn` requires that the worker's arguments are `Clone`, and
    /// returns a [`Pool`] of `members` workers.
    pub fn pool(self, members: usize) -> WorkerBuilder<W, A, M::Pooled> {
        self.option(|builder| builder.pool(members))
    }
}

impl<W: Worker, A> WorkerBuilder<W, A, Many> {
    /// As [`IsolateBuilder::for_all`].
    pub fn for_all(self, reactons: impl Into<SharedSet>) -> Self {
        self.option(|builder| builder.for_all(reactons))
    }
}

macro_rules! arities {
    ($(($($type:ident $value:ident),*))*) => { $(
        impl<W: Worker<Args = ($($type,)*)>, $($type: Send + 'static),*> WorkerBuilder<W, ($($type,)*), Once> {
            /// Starts the worker, with the arguments that its function takes after the store.
            ///
            /// # Errors
            /// As [`IsolateStore::spawn`] does.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn(self, store: &ReactonStore $(, $value: $type)*) -> Result<IsolateStore, SpawnError> {
                let args = ($($value,)*);
                self.builder.spawn(store, move |store| W::run(store, args))
            }

            /// As [`spawn`](Self::spawn), but waits for the handshake without blocking the thread.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn_async(self, store: &ReactonStore $(, $value: $type)*) -> Spawning {
                let args = ($($value,)*);
                self.builder.spawn_async(store, move |store| W::run(store, args))
            }
        }

        impl<W: Worker<Args = ($($type,)*)>, $($type: Send + 'static),*> WorkerBuilder<W, ($($type,)*), Again> {
            /// Starts the worker, with the arguments that its function takes after the store. A restarted worker
            /// receives clones of them.
            ///
            /// # Errors
            /// As [`IsolateStore::spawn`] does.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn(self, store: &ReactonStore $(, $value: $type)*) -> Result<IsolateStore, SpawnError>
            where
                $($type: Repeatable),*
            {
                let args = ($($value,)*);
                self.builder.spawn(store, move |store| W::run(store, args))
            }

            /// As [`spawn`](Self::spawn), but waits for the handshake without blocking the thread.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn_async(self, store: &ReactonStore $(, $value: $type)*) -> Spawning
            where
                $($type: Repeatable),*
            {
                let args = ($($value,)*);
                self.builder.spawn_async(store, move |store| W::run(store, args))
            }
        }

        impl<W: Worker<Args = ($($type,)*)>, $($type: Send + 'static),*> WorkerBuilder<W, ($($type,)*), Many> {
            /// Starts the members of a pool, each with clones of the arguments that the function takes after the store.
            ///
            /// # Errors
            /// As that of [`IsolateBuilder`] for a pool does.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn(self, store: &ReactonStore $(, $value: $type)*) -> Result<Pool, SpawnError>
            where
                $($type: Repeatable),*
            {
                let args = ($($value,)*);
                self.builder.spawn(store, move |store| W::run(store, args))
            }

            /// As [`spawn`](Self::spawn), but waits for the handshakes without blocking the thread.
            #[allow(clippy::too_many_arguments, reason = "as many as the worker has")]
            pub fn spawn_async(self, store: &ReactonStore $(, $value: $type)*) -> Spawning<Pool>
            where
                $($type: Repeatable),*
            {
                let args = ($($value,)*);
                self.builder.spawn_async(store, move |store| W::run(store, args))
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
