//! The options of an isolate or a pool, and what each mode requires of the entry.

use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use reacton_core::ReactonStore;
use reacton_core::wiring::{OpenScope, Wiring};

use super::begin::{Begun, Spawning};
#[cfg(feature = "process")]
use super::process::{Away, ManyAway};
use crate::api::handle::IsolateStore;
use crate::api::pool::Pool;
use crate::call::Call;
use crate::call::listed::AnswerSlot;
use crate::error::SpawnError;
use crate::hub::Hub;
use crate::isolate::supervise::{MAX_BACKOFF, Restart, RestartPlan};
use crate::link::Delivery;
use crate::pool::PoolShared;
use crate::shared::SharedSet;
use crate::worker::options::Options;
use crate::worker::outcome::Outcome;
use crate::worker::setup::Entry;

/// A mode of a builder: it starts one worker, once. So its entry may be any `FnOnce`.
#[derive(Debug, Clone, Copy)]
pub struct Once(());

/// A mode of a builder: its worker may be restarted. So its entry or its arguments must be `Clone`.
#[derive(Debug, Clone, Copy)]
pub struct Again(());

/// A mode of a builder: it starts several workers of one kind. So the entry or the arguments must be `Clone`.
#[derive(Debug, Clone, Copy)]
pub struct Many(());

/// What a builder starts.
pub trait Mode {
    /// The same with a restart policy.
    type Restarting: Mode;
    /// Several of the same.
    type Pooled: Mode;
    /// The same in a process.
    #[cfg(feature = "process")]
    type Away: Mode;
}

impl Mode for Once {
    type Restarting = Again;
    type Pooled = Many;
    #[cfg(feature = "process")]
    type Away = Away;
}

impl Mode for Again {
    type Restarting = Self;
    type Pooled = Many;
    #[cfg(feature = "process")]
    type Away = Away;
}

impl Mode for Many {
    type Restarting = Self;
    type Pooled = Self;
    #[cfg(feature = "process")]
    type Away = ManyAway;
}

/// What can be handed to a worker more than once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be handed to more than one worker: it is not `Clone`",
    label = "each start takes a clone of this",
    note = "make it `Clone` (derive it, or put what it holds into an `Arc`), or leave out `restart` and `pool`"
)]
pub trait Repeatable: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> Repeatable for T {}

/// Options for an isolate.
///
/// `M` is [`Once`], until [`restart`](Self::restart) makes it [`Again`] or [`pool`](Self::pool) makes it [`Many`].
#[derive(Debug, Clone)]
#[must_use = "an isolate starts with `spawn`"]
pub struct IsolateBuilder<M = Once> {
    pub(super) options: Options,
    pub(super) restart: Restart,
    pub(super) max_backoff: Duration,
    pool: PoolOptions,
    mode: PhantomData<fn() -> M>,
}

/// The options of a pool.
#[derive(Debug, Clone)]
struct PoolOptions {
    members: usize,
    for_all: SharedSet,
}

impl Default for IsolateBuilder {
    fn default() -> Self {
        let pool = PoolOptions { members: 1, for_all: SharedSet::from([]) };
        Self {
            options: Options::default(),
            restart: Restart::Never,
            max_backoff: MAX_BACKOFF,
            pool,
            mode: PhantomData,
        }
    }
}

impl<M: Mode> IsolateBuilder<M> {
    /// The name of the isolate and of its thread.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// The reactons that the isolate shares with the store that spawns it. None by default.
    pub fn shared(mut self, shared: impl Into<SharedSet>) -> Self {
        self.options.shared = shared.into();
        self
    }

    /// What a side receives that falls behind. [`Delivery::Every`] by default.
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.options.delivery = delivery;
        self
    }

    /// A call that the worker answers, by [`store.answer`](crate::Calls::answer). None by default; each call of this method
    /// adds one.
    pub fn answers<Q, A, N>(self, call: &Call<Q, A, N>) -> Self {
        self.answers_all(&[AnswerSlot::of(call)])
    }

    pub(crate) fn answers_all(mut self, calls: &[AnswerSlot]) -> Self {
        self.options.answers.extend(calls.iter().map(|slot| slot.call()));
        self
    }

    /// How often a call, or a job of a pool, is repeated after it caused a panic: by a worker that is
    /// [restarted](Self::restart), or by another member of the pool. The default is 0: the call returns an error, and
    /// the job is [lost](Pool::lost_job). What was written before the panic arrives in the main store.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = retries;
        self
    }

    /// How long `spawn` waits for the worker to answer; 10 s by default.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.options.handshake_timeout = timeout;
        self
    }

    /// The stack of the worker's thread, in bytes; the standard library's default if this is not called.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.stack_size = Some(bytes);
        self
    }

    /// How long the worker spins, yielding, before it sleeps when it has nothing to do: 20 µs by default where the
    /// process may use more than one core. With zero it sleeps at once, which saves power, but takes longer to wake.
    pub fn spin(mut self, spin: Duration) -> Self {
        self.options.spin = Some(spin);
        self
    }

    /// What happens when the worker panics. [`Restart::Never`] by default. After this call `spawn` requires that the
    /// entry is `Clone`, because each new worker receives a clone.
    ///
    /// A restarted worker begins with main's current values, and its entry is called again. Main ignores everything
    /// that the failed worker has sent. If the entry calls [`subscribe`](ReactonStore::subscribe), its observer is not
    /// called with the value at which the old worker failed; with [`watch`](ReactonStore::watch) it is.
    pub fn restart(self, restart: Restart) -> IsolateBuilder<M::Restarting> {
        let Self { options, max_backoff, pool, .. } = self;
        IsolateBuilder { options, restart, max_backoff, pool, mode: PhantomData }
    }

    /// The same builder in another mode.
    #[cfg(feature = "process")]
    pub(super) fn in_mode<N>(self) -> IsolateBuilder<N> {
        let Self { options, restart, max_backoff, pool, .. } = self;
        IsolateBuilder { options, restart, max_backoff, pool, mode: PhantomData }
    }

    /// The longest wait before a restart; 1 s by default. The wait doubles with each restart up to this time. If the
    /// `backoff` of [`Restart::OnPanic`] is longer, every wait takes `backoff`.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{IsolateStore, Restart, SharedSet};
    /// # use std::time::Duration;
    /// # let store = ReactonStore::new();
    /// let worker = IsolateStore::builder()
    ///     .restart(Restart::on_panic(100))
    ///     .max_backoff(Duration::from_secs(30))
    ///     .spawn(&store, |store: &ReactonStore| { /* .. */ })?;
    /// # worker.dispose();
    /// # Ok::<(), reacton_isolate::SpawnError>(())
    /// ```
    pub fn max_backoff(mut self, max_backoff: Duration) -> Self {
        self.max_backoff = max_backoff;
        self
    }

    /// Starts several workers instead of one, which share the work: see [`Pool`]. After this call `spawn` requires that
    /// the entry is `Clone`, because each worker receives a clone.
    ///
    /// A policy of [`restart`](Self::restart) applies to each member separately.
    pub fn pool(self, members: usize) -> IsolateBuilder<M::Pooled> {
        let Self { options, restart, max_backoff, pool, .. } = self;
        let pool = PoolOptions { members, ..pool };
        IsolateBuilder { options, restart, max_backoff, pool, mode: PhantomData }
    }
}

impl IsolateBuilder<Many> {
    /// Reactons of the shared set that are sent to every member of the pool when main writes them, for example
    /// settings. A write of them is not a job. None by default. A job that is written later sees the new values.
    pub fn for_all(self, reactons: impl Into<SharedSet>) -> Self {
        self.set_for_all(reactons)
    }

    /// Starts the members of a pool, each with a clone of `entry`; returns after the last handshake.
    ///
    /// # Errors
    /// As [`IsolateStore::spawn`] does, for the first member that does not start; then no member is left. If the number
    /// of members is 0. If a reacton of `for_all` is not shared.
    ///
    /// # Panics
    /// As [`IsolateStore::spawn`] does.
    pub fn spawn<O, E>(self, store: &ReactonStore, entry: E) -> Result<Pool, SpawnError>
    where
        O: Outcome,
        E: FnOnce(&ReactonStore) -> O + Repeatable + Send + 'static,
    {
        self.begin(store, entry)?.wait()
    }

    /// As [`spawn`](Self::spawn), but waits for the handshakes without blocking the thread.
    ///
    /// The threads are started by the call, and take over the values of that moment; the entry is called once this is
    /// awaited. Dropping the future disposes the members.
    ///
    /// # Panics
    /// As [`IsolateStore::spawn`] does.
    pub fn spawn_async<O, E>(self, store: &ReactonStore, entry: E) -> Spawning<Pool>
    where
        O: Outcome,
        E: FnOnce(&ReactonStore) -> O + Repeatable + Send + 'static,
    {
        let begun = self.begin(store, entry);
        Spawning::new(async move { begun?.wait_async().await })
    }

    /// Starts the members, all at once, so that their handshakes overlap.
    fn begin<O, E>(self, store: &ReactonStore, entry: E) -> Result<BegunPool, SpawnError>
    where
        O: Outcome,
        E: FnOnce(&ReactonStore) -> O + Repeatable + Send + 'static,
    {
        let (restart, max_backoff) = (self.restart, self.max_backoff);
        self.begin_each(store, || {
            let (first, again) = (boxed(entry.clone()), entry.clone());
            let plan = RestartPlan::new(restart, max_backoff, move || boxed(again.clone()));
            (first, plan)
        })
    }
}

/// A pool whose members were started.
pub(super) struct BegunPool {
    /// Dropping it ends the members again.
    pool: Pool,
    members: Vec<Begun>,
    scope: Option<OpenScope>,
}

impl BegunPool {
    pub(super) fn wait(mut self) -> Result<Pool, SpawnError> {
        for member in self.members {
            self.pool.admit(member.wait()?);
        }
        Ok(self.pool.within(self.scope))
    }

    pub(super) async fn wait_async(mut self) -> Result<Pool, SpawnError> {
        for member in self.members {
            self.pool.admit(member.wait_async().await?);
        }
        Ok(self.pool.within(self.scope))
    }
}

impl<M: Mode> IsolateBuilder<M> {
    pub(super) fn set_for_all(mut self, reactons: impl Into<SharedSet>) -> Self {
        self.pool.for_all = reactons.into();
        self
    }

    /// Starts the members of a pool. `entry` returns the entry of each, and the way to make it again.
    pub(super) fn begin_each(
        self,
        store: &ReactonStore,
        entry: impl Fn() -> (Entry, RestartPlan),
    ) -> Result<BegunPool, SpawnError> {
        let Self { options, pool, .. } = self;
        let PoolOptions { members, for_all } = pool;
        let worker = options.name.clone();
        if members == 0 {
            return Err(SpawnError::NoMembers { worker });
        }
        if let Some(reacton) = options.shared.first_missing(&for_all) {
            return Err(SpawnError::NotShared { worker, reacton: reacton.name() });
        }
        if Wiring::of(store).is_stopped() {
            return Err(SpawnError::Disposed { worker });
        }
        let callee = options.callee(true).expect("a pool has a callee");
        let pool_shared = PoolShared::new(store, members, &options.shared, &for_all, callee);
        let pool_shared = Rc::new(pool_shared);
        Hub::of(store).add_pool(pool_shared.clone());
        let pool = Pool::new(store, Rc::clone(&pool_shared));
        let scope = Wiring::of(store).scope();
        let mut begun = BegunPool { pool, members: Vec::new(), scope };
        for number in 1..=members {
            let options = Options { name: format!("{worker} {number}"), ..options.clone() };
            let (first, plan) = entry();
            let member = options.begin(store, first, Some(plan), Some(Rc::clone(&pool_shared)))?;
            begun.members.push(member);
        }
        Ok(begun)
    }
}

impl IsolateBuilder<Once> {
    /// Starts `entry` with these options; see [`IsolateStore::spawn`].
    ///
    /// # Errors
    /// As [`IsolateStore::spawn`] does.
    ///
    /// # Panics
    /// As [`IsolateStore::spawn`] does.
    pub fn spawn<O: Outcome>(
        self,
        store: &ReactonStore,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Result<IsolateStore, SpawnError> {
        self.begin(store, entry)?.wait()
    }

    /// As [`spawn`](Self::spawn), but waits for the handshake without blocking the thread.
    ///
    /// The thread is started by the call, and takes over the values of that moment; the entry is called once this is
    /// awaited. Dropping the future disposes the isolate.
    ///
    /// # Panics
    /// As [`IsolateStore::spawn`] does.
    pub fn spawn_async<O: Outcome>(
        self,
        store: &ReactonStore,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Spawning {
        Spawning::of(self.begin(store, entry))
    }

    fn begin<O: Outcome>(
        self,
        store: &ReactonStore,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Result<Begun, SpawnError> {
        self.options.begin(store, boxed(entry), None, None)
    }
}

impl IsolateBuilder<Again> {
    /// Starts `entry` with these options; see [`IsolateStore::spawn`].
    ///
    /// # Errors
    /// As [`IsolateStore::spawn`] does.
    ///
    /// # Panics
    /// As [`IsolateStore::spawn`] does.
    pub fn spawn<O, E>(self, store: &ReactonStore, entry: E) -> Result<IsolateStore, SpawnError>
    where
        O: Outcome,
        E: FnOnce(&ReactonStore) -> O + Repeatable + Send + 'static,
    {
        self.begin(store, entry)?.wait()
    }

    /// As [`spawn`](Self::spawn), but waits for the handshake without blocking the thread.
    ///
    /// The thread is started by the call, and takes over the values of that moment; the entry is called once this is
    /// awaited. Dropping the future disposes the isolate.
    ///
    /// # Panics
    /// As [`IsolateStore::spawn`] does.
    pub fn spawn_async<O, E>(self, store: &ReactonStore, entry: E) -> Spawning
    where
        O: Outcome,
        E: FnOnce(&ReactonStore) -> O + Repeatable + Send + 'static,
    {
        Spawning::of(self.begin(store, entry))
    }

    fn begin<O, E>(self, store: &ReactonStore, entry: E) -> Result<Begun, SpawnError>
    where
        O: Outcome,
        E: FnOnce(&ReactonStore) -> O + Repeatable + Send + 'static,
    {
        let first = boxed(entry.clone());
        let restart_plan =
            RestartPlan::new(self.restart, self.max_backoff, move || boxed(entry.clone()));
        self.options.begin(store, first, Some(restart_plan), None)
    }
}

fn boxed<O: Outcome>(entry: impl FnOnce(&ReactonStore) -> O + Send + 'static) -> Entry {
    Box::new(move |store| entry(store).done())
}
