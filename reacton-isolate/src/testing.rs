//! A simulation of isolates without threads: the same stores, rules and links run on one thread, step by step, in an
//! order that a seed determines.
//!
//! With real threads, a test of workers depends on timing. While a [`Simulation`] exists, workers that this thread
//! spawns run inside it. Nothing happens except in [`step`](Simulation::step): it chooses one store that has something
//! to do, and lets that store take one step. So a seed determines the schedule, a failed schedule can be run again, and
//! thousands of schedules take a second.
//!
//! Only the threads, their order and the clock are replaced. Three properties of threads are modelled:
//!
//! * *A thread sleeps until it is woken.* A worker whose function has returned takes a turn when its inbox has items.
//!   The turn applies all items or, if the seed says so, some of the first, one in each step. After the turn the worker
//!   checks whether it is to end, and then sleeps. While it sleeps it checks nothing: only an item in its inbox wakes
//!   it. So a test finds a missing wake-up: the shutdown times out, or [`settle`](Simulation::settle) panics because a
//!   worker that is to end sleeps. An async worker is polled only when its waker was called.
//! * *A thread is interrupted anywhere.* In the middle of a step, other stores may take steps. The seed decides which
//!   ones, at the points where this can make a difference: before each change of an arriving transaction, between a
//!   commit and its links, while the end of a link is posted, while a member of a pool looks for a job and begins it,
//!   and while main decides what follows the end of a worker. The test's own code is interrupted only inside
//!   [`interleaved`](Simulation::interleaved). The steps of other stores can be interrupted as well, to a depth of
//!   three.
//! * *Time passes.* A step takes some microseconds. If no store can take a step, the clock moves to the next timeout
//!   that a store waits for. So backoffs, restart windows and the timeouts of waits, spawns and shutdowns are part of
//!   the schedule, and nothing really sleeps. [`settle`](Simulation::settle) lets backoffs pass, but not the timeouts
//!   of waits; [`advance`](Simulation::advance) lets any time pass.
//!
//! User code that runs in the middle of a step (`Serialize`, `Drop`, an equality, a subscriber of tracing) can use the
//! store [`acting`](Simulation::acting), or let other stores take steps.
//!
//! Not modelled are the reordering of memory, and callbacks of `on_wake` (the stress tests use real threads).
//!
//! A worker function that subscribes and returns, as most do, runs in steps like everything else, and so does an async
//! worker. A task of [`run`](crate::run) is one step. While a function waits (`run_until`, `shutdown`, a spawn of its
//! own), other stores take steps until the wait ends. A function with its own loop needs its own thread:
//! [`Simulation::threaded`] starts one for each worker, and lets one thread run at a time.
//!
//! A function that blocks by other means than this library's (a channel, a lock that another worker holds) blocks the
//! simulation. Workers without a thread, and tasks, run on the thread of the main store: there
//! [`Answer::join`](crate::Answer::join) returns [`OwnThread`](crate::CallError::OwnThread).
//!
//! # Examples
//! ```
//! # use reacton_core::ReactonStore;
//! # use reacton_isolate::{IsolateStore, SharedSlot, testing::Simulation};
//! # type Reacton<T> = reacton_core::Reacton<T>;
//! # static INPUT: Reacton<u32> = Reacton::<u32>::__new("doc::INPUT", || 0);
//! # static SQUARE: Reacton<u32> = Reacton::<u32>::__new("doc::SQUARE", || 0);
//! # fn spawn(store: &ReactonStore) -> IsolateStore {
//! #     let shared = [SharedSlot::of(&INPUT), SharedSlot::of(&SQUARE)];
//! #     IsolateStore::builder().shared(shared).spawn(store, |store: &ReactonStore| {
//! #         store.watch(&INPUT, |store, n| store.set(&SQUARE, n * n));
//! #     }).unwrap()
//! # }
//! // #[worker(shared = [INPUT, SQUARE])] fn square(store: &ReactonStore) { .. }
//! for seed in 0..100 {
//!     let simulation = Simulation::new(seed);
//!     let store = ReactonStore::new();
//!     let _worker = spawn(&store); // square::spawn(&store)?
//!     store.set(&INPUT, 3);
//!     store.set(&INPUT, 4);
//!     simulation.settle();
//!     assert_eq!(store.get(&SQUARE), 16, "seed {seed}");
//! }
//! ```

#[cfg(feature = "process")]
mod hosts;
mod replay;

use std::rc::Rc;
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{Family, Reacton, ReactonStore};

use crate::api::handle::IsolateStore;
use crate::host::random::Random;
use crate::host::simulated;
use crate::host::trace::Trace;
use crate::host::world::{MAX_STEPS, World};
use crate::hub::Hub;
use crate::wire::change::Version;

#[cfg(feature = "process")]
pub use self::hosts::SimulatedHost;

/// A simulation of workers without threads; see the [module](self).
///
/// The simulation belongs to the thread that made it, and a thread can have one at a time. Dropping it ends the
/// remaining workers.
#[derive(Debug)]
pub struct Simulation {
    world: Rc<World>,
}

impl Simulation {
    /// Returns a simulation whose schedule follows from `seed`. From now on, workers that this thread spawns run in it.
    ///
    /// # Panics
    /// If there is a simulation on this thread already.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::begin(seed, Random::new(seed), Trace::default(), false)
    }

    /// As [`new`](Self::new), but each worker has its own thread, and one thread runs at a time. So a worker may have
    /// its own loop. A step lets a worker run until it waits, or until the seed interrupts it.
    ///
    /// [`workers`](Self::workers) returns an empty list, because the stores belong to the threads.
    ///
    /// # Panics
    /// As [`new`](Self::new) does.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Reacton, ReactonStore};
    /// # use reacton_isolate::{IsolateStore, SharedSlot, testing::Simulation};
    /// # use std::time::Duration;
    /// # static TICKS: Reacton<u32> = Reacton::<u32>::__new("doc::TICKS", || 0);
    /// let simulation = Simulation::threaded(1);
    /// let store = ReactonStore::new();
    /// let worker = IsolateStore::spawn(&store, [SharedSlot::of(&TICKS)], |store| {
    ///     while !store.is_disposed() {
    ///         store.update(&TICKS, |ticks| *ticks += 1);
    ///         store.wait(Duration::from_secs(60));
    ///     }
    /// })?;
    /// simulation.advance(Duration::from_secs(3600));
    /// assert!(store.get(&TICKS) >= 60);
    /// # drop(worker);
    /// # Ok::<(), reacton_isolate::SpawnError>(())
    /// ```
    #[must_use]
    pub fn threaded(seed: u64) -> Self {
        Self::begin(seed, Random::new(seed), Trace::default(), true)
    }

    fn begin(seed: u64, random: Random, trace: Trace, threaded: bool) -> Self {
        let world = World::new(seed, random, trace, threaded);
        let world =
            world.expect("a thread runs one simulation at a time: drop the other one first");
        Self { world }
    }

    /// Returns how much time has passed in the simulation. Each step adds some microseconds, and each wait adds the
    /// time that it would take on a thread. No wait really sleeps.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.world.host.time.elapsed()
    }

    /// Moves the clock by `time`. What is due within this time runs in order: steps, restarts, and timeouts of waits.
    ///
    /// # Panics
    /// As [`settle`](Self::settle) does.
    pub fn advance(&self, time: Duration) {
        self.world.advance(time);
    }

    /// Returns the seed of the schedule, to print when a test fails.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.world.seed
    }

    /// Lets one store take one step: process one item of its inbox, start its worker function, or end. Returns `false`
    /// if no store has anything to do.
    ///
    /// # Panics
    /// If an observer of a main store panics. A panic in a worker ends the worker, as on a thread.
    pub fn step(&self) -> bool {
        self.world.step()
    }

    /// Takes steps until no store has anything to do. Returns the number of steps.
    ///
    /// # Panics
    /// As [`step`](Self::step) does. Also if the stores have not settled after a million steps, because they answer
    /// each other without end, and if a worker that is to end still sleeps, because nothing has woken it.
    pub fn settle(&self) -> usize {
        for steps in 0..MAX_STEPS {
            if !self.step() {
                self.world.refuse_missed_ends();
                return steps;
            }
        }
        panic!("seed {}: stores still answer each other after {MAX_STEPS} steps", self.world.seed)
    }

    /// Runs `f` and returns its result. During `f`, other stores take steps at the points where their threads could
    /// run; the seed decides when. Outside of this function the test's own code is never interrupted.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::testing::Simulation;
    /// let simulation = Simulation::new(1);
    /// let store = ReactonStore::new();
    /// let count = store.reacton(0);
    /// // Such as a write that several workers share, or the disposal of one.
    /// simulation.interleaved(|| store.set(&count, 1));
    /// assert_eq!(store.get(&count), 1);
    /// ```
    ///
    /// # Panics
    /// As [`step`](Self::step) does.
    pub fn interleaved<U>(&self, f: impl FnOnce() -> U) -> U {
        self.world.interleaved(f)
    }

    /// Runs `f` and returns its result. Each isolate that `f` spawns is *away*: it behaves as if it ran in a process. A
    /// road connects it with its main store: two queues of bytes that the seed cuts, delays and fills. Workers of
    /// [`threaded`](Self::threaded) are not away; they keep the links of threads.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{IsolateStatus, IsolateStore, SharedSet, testing::Simulation};
    /// let simulation = Simulation::new(1);
    /// let store = ReactonStore::new();
    /// let spawn = || IsolateStore::spawn(&store, SharedSet::from([]), |_| ());
    /// let worker = simulation.away(spawn)?;
    /// assert!(simulation.kill(&worker));
    /// simulation.settle();
    /// assert!(matches!(store.get(worker.status()), IsolateStatus::Failed { message, .. } if message.contains("SIGKILL")));
    /// # Ok::<(), reacton_isolate::SpawnError>(())
    /// ```
    #[cfg(feature = "process")]
    pub fn away<U>(&self, f: impl FnOnce() -> U) -> U {
        self.world.host.away(Vec::new(), f)
    }

    /// Kills the process of a worker that is [away](Self::away), as something outside of the program may. No message
    /// reports the end, and the seed may drop what the worker sent last. Returns `false` if the worker has no process,
    /// or is in the middle of a step.
    #[cfg(feature = "process")]
    pub fn kill(&self, worker: &IsolateStore) -> bool {
        self.world.kill(worker.isolate.link())
    }

    /// Returns the store of the present worker of an isolate, or `None` if the isolate has no worker.
    #[must_use]
    pub fn store_of(&self, worker: &IsolateStore) -> Option<ReactonStore> {
        self.world.store_of(worker.isolate.link())
    }

    /// Returns a random number below `limit` that follows from the seed, for choices of the test. 0 if `limit` is 0.
    #[must_use]
    pub fn pick(&self, limit: usize) -> usize {
        self.world.host.random.below(limit)
    }

    /// Returns the store that takes the current step, for user code that receives no store: `Serialize`, `Drop`. `None`
    /// outside of steps.
    #[must_use]
    pub fn acting(&self) -> Option<ReactonStore> {
        self.world.acting()
    }

    /// Returns the stores of the running workers, in the order in which they were spawned.
    #[must_use]
    pub fn workers(&self) -> Vec<ReactonStore> {
        self.world.workers()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.world.end();
    }
}

/// Lets the current thread sleep. In a simulation, the thread sleeps for `time` by the simulation's clock, so a worker
/// can simulate long work. Outside of a simulation, this is [`std::thread::sleep`].
pub fn sleep(time: Duration) {
    simulated::sleep(time);
}

/// Returns the version of the value of `reacton` in `store`. When all is settled, every store that shares `reacton` has
/// the same.
#[must_use]
pub fn version<T: 'static, M>(store: &ReactonStore, reacton: &Reacton<T, M>) -> Version {
    Hub::find(store).map_or(Version::NEVER, |hub| hub.version(reacton.reacton_ref().id()))
}

/// Returns how often `store` received a value that it already had, with the same version. Only a subscription may do
/// this. So if the count is 0, no value was sent twice, or sent back.
#[must_use]
pub fn repeats(store: &ReactonStore) -> u64 {
    Hub::find(store).map_or(0, |hub| hub.repeats())
}

/// Starts a round that asks all stores below `store` whether they have received the removals of its collections. Once
/// all have, the removals can be forgotten. A store starts such a round by itself when it has many removals.
pub fn sweep(store: &ReactonStore) {
    if let Some(hub) = Hub::find(store) {
        hub.begin_round(store);
    }
}

/// Whether the two are handles of one store, such as one of a test and that of [`Simulation::acting`] or of
/// [`Simulation::store_of`].
#[must_use]
pub fn is_same(one: &ReactonStore, other: &ReactonStore) -> bool {
    Wiring::of(one).is(other)
}

/// How many removed members of a shared family the store remembers.
#[doc(hidden)]
pub fn removals<K: 'static, T: 'static>(
    store: &ReactonStore,
    family: &'static Family<K, T>,
) -> usize {
    let members = Wiring::of(store).shared_members(family);
    members.iter().filter(|member| member.is_removed()).count()
}
