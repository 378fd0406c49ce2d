//! Isolates without threads: the same stores, rules and links, stepped on one thread in an order that a seed decides.
//!
//! A test of a program that spawns workers depends on how threads happen to run. While a [`Simulation`] lives, what
//! this thread spawns runs inside it instead: nothing happens but by [`step`](Simulation::step), which picks one of the
//! stores that have something to do and lets it do one thing. So a seed is a schedule, a schedule that failed can be
//! run again, and thousands of them take a second.
//!
//! Nothing is replaced but the threads and the order of things. Two properties of threads are modelled:
//!
//! * *A thread sleeps until it is woken.* A worker whose function has returned takes a turn when its inbox has items: all of them,
//!   or by the seed some of the first, one in each step. After the turn it asks whether it is to end, and then sleeps. While it
//!   sleeps it asks nothing: only an item in its inbox wakes it. So a wake-up that is missing shows: the shutdown times out, or
//!   [`settle`](Simulation::settle) fails because a worker that is to end sleeps. An async worker is polled only when its waker
//!   was called.
//! * *A thread is interrupted anywhere.* In the middle of a step, other stores take steps, by the seed, at the points where that can
//!   make a difference: before each change of an arriving transaction, between a commit and its links, while the end of a link is
//!   posted, while a member of a pool looks for a job and begins with it, while main decides what follows a worker that ended.
//!   What the test itself does is interrupted only inside [`interleaved`](Simulation::interleaved). These steps are interrupted
//!   in their turn, to a depth of three.
//!
//! User code that comes between (`Serialize`, `Drop`, an equality, a subscriber of tracing) is up to the test: it writes to
//! [`acting`](Simulation::acting), or steps others.
//!
//! Not modelled: time, the reordering of memory, and a callback of `on_wake` (the stress tests have real threads).
//!
//! A worker function that subscribes and returns, as most
//! do, is stepped like everything else. One that waits (`run_until`, `shutdown`, a spawn of its own) has the others
//! stepped until what it waits for has come; one that takes turns for as long as it lives, an async worker above all,
//! has no place to be left at: it ends with a panic that says so, and needs a thread.
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

mod guards;
mod replay;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use reacton_core::wiring::Wiring;
use reacton_core::{Reacton, ReactonStore, WeakStore};

use crate::api::worker::Entry;
use crate::error::Mismatch;
use crate::host::actor::{Actor, Next};
pub(crate) use crate::host::random::Random;
use crate::hub::Hub;
use crate::wire::change::Version;
use crate::worker::life::Birth;

use self::guards::{Listed, Raised};
use self::replay::Trace;

/// Steps after which stores count as never settling.
const MAX_STEPS: usize = 1_000_000;

/// Steps that are interrupted, one inside the other.
const MAX_DEPTH: usize = 3;

thread_local! {
    static CURRENT: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// A world without threads; see the [module](self).
///
/// Bound to the thread that made it; there is one at a time. Dropping it ends the workers that are left.
#[derive(Debug)]
pub struct Simulation {
    world: Rc<World>,
}

/// What a simulation consists of.
pub(crate) struct World {
    seed: u64,
    random: Random,
    trace: Trace,
    /// Stores that have spawned and are nobody's worker.
    roots: RefCell<Vec<WeakStore>>,
    actors: RefCell<Vec<Rc<Actor>>>,
    steps: Cell<u64>,
    /// Steps that are in progress, one inside the other.
    depth: Cell<usize>,
    /// The test itself acts for the roots: they take no step.
    roots_are_held: Cell<bool>,
    /// The stores that take a step, the last one innermost.
    acting: RefCell<Vec<ReactonStore>>,
    /// Stores that wait for an arrival, the last one innermost.
    waiting: RefCell<Vec<ReactonStore>>,
    /// The first panic of a step that came between.
    panicked: RefCell<Option<Box<dyn Any + Send>>>,
}

/// Something that can be done next.
enum Doable {
    /// A store that is nobody's worker takes in what came first.
    Root(ReactonStore),
    /// A worker takes in what came first.
    Take(Rc<Actor>),
    /// A worker calls its function, or ends.
    Go(Rc<Actor>),
}

impl Simulation {
    /// A world whose schedule follows from `seed`. From now on, what this thread spawns runs in it.
    ///
    /// # Panics
    /// If there is a simulation on this thread already.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::begin(seed, Random::new(seed), Trace::default())
    }

    fn begin(seed: u64, random: Random, trace: Trace) -> Self {
        let world = Rc::new(World {
            seed,
            random,
            trace,
            roots: RefCell::default(),
            actors: RefCell::default(),
            steps: Cell::new(0),
            depth: Cell::new(0),
            roots_are_held: Cell::new(false),
            acting: RefCell::default(),
            waiting: RefCell::default(),
            panicked: RefCell::default(),
        });
        let taken = CURRENT.with_borrow_mut(|current| {
            let taken = current.is_some();
            current.get_or_insert_with(|| Rc::clone(&world));
            taken
        });
        assert!(!taken, "a thread runs one simulation at a time: drop the other one first");
        Self { world }
    }

    /// The seed of the schedule, to print when a test fails.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.world.seed
    }

    /// Lets one store do one thing: take in one item of its inbox, begin with its worker function, or end. `false` if
    /// there is nothing to do for any of them.
    ///
    /// # Panics
    /// With a panic of an observer of a store that is nobody's worker. One in a worker ends the worker, as on a thread.
    pub fn step(&self) -> bool {
        self.world.step()
    }

    /// Steps until there is nothing to do for any store, and gives how many steps that took.
    ///
    /// # Panics
    /// As [`step`](Self::step) does; if a million steps are not enough, because stores answer each other for ever; and if a
    /// worker that is to end sleeps, because nothing has woken it.
    pub fn settle(&self) -> usize {
        for steps in 0..MAX_STEPS {
            if !self.step() {
                self.world.refuse_missed_ends();
                return steps;
            }
        }
        panic!("seed {}: stores still answer each other after {MAX_STEPS} steps", self.world.seed)
    }

    /// Runs `f`, during which, by the seed, other stores take steps: wherever the threads of workers could come between. Outside of
    /// it, what the test itself does is never interrupted.
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
        struct Back<'c>(&'c Cell<bool>, bool);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.set(self.1);
            }
        }
        let held = &self.world.roots_are_held;
        let _back = Back(held, held.replace(true));
        self.world.entered(f)
    }

    /// A number below `limit` that follows from the seed, for what a test itself does at random. 0 if `limit` is 0.
    #[must_use]
    pub fn pick(&self, limit: usize) -> usize {
        self.world.random.below(limit)
    }

    /// The store that takes the present step, for user code that is called without one: `Serialize`, `Drop`. `None` outside of
    /// steps.
    #[must_use]
    pub fn acting(&self) -> Option<ReactonStore> {
        self.world.acting.borrow().last().cloned()
    }

    /// The stores of the workers that live, in the order of their spawning.
    #[must_use]
    pub fn workers(&self) -> Vec<ReactonStore> {
        self.world.actors.borrow().iter().map(|actor| actor.store().clone()).collect()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // Ending one may spawn another.
        while let Some(actor) = { self.world.actors.borrow_mut().pop() } {
            actor.end();
        }
        let world = CURRENT.try_with(RefCell::take);
        drop(world);
    }
}

/// The version of what `store` holds of `reacton`: after all is settled, equal in every store that shares it.
#[must_use]
pub fn version<T: 'static, M>(store: &ReactonStore, reacton: &Reacton<T, M>) -> Version {
    Hub::find(store).map_or(Version::NEVER, |hub| hub.version(reacton.reacton_ref().id()))
}

/// How often a value reached `store` that it held already, in the very same version: never, but for what a
/// subscription brings. So nothing is sent twice, and nothing back.
#[must_use]
pub fn repeats(store: &ReactonStore) -> u64 {
    Hub::find(store).map_or(0, |hub| hub.repeats())
}

impl World {
    /// The simulation of this thread.
    pub(crate) fn current() -> Option<Rc<Self>> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// A worker has been spawned by `parent`. Gives what the two do not agree on; then there is no such worker.
    pub(crate) fn adopt(
        self: &Rc<Self>,
        parent: &ReactonStore,
        birth: Birth,
        entry: Entry,
    ) -> Vec<Mismatch> {
        let (actor, mismatches) = Actor::new(birth, entry);
        if mismatches.is_empty() {
            if self.actor_of(parent).is_none() && !self.is_root(parent) {
                self.roots.borrow_mut().push(parent.downgrade());
                self.attend(parent);
            }
            self.attend(actor.store());
            self.actors.borrow_mut().push(Rc::new(actor));
        }
        mismatches
    }

    /// While `store` waits, the others go on.
    fn attend(self: &Rc<Self>, store: &ReactonStore) {
        let (world, waiting) = (Rc::downgrade(self), store.downgrade());
        Wiring::of(store).set_idle_step(move || {
            let (Some(world), Some(store)) = (world.upgrade(), waiting.upgrade()) else {
                return false;
            };
            world.step_while_it_waits(store)
        });
    }

    /// A step of any store but this one: what arrives there ends its wait.
    fn step_while_it_waits(&self, store: ReactonStore) -> bool {
        let _waiting = Listed::new(&self.waiting, store);
        self.step()
    }

    fn waits(&self, store: &ReactonStore) -> bool {
        self.waiting.borrow().iter().any(|waiting| Wiring::of(waiting).is(store))
    }

    fn is_root(&self, store: &ReactonStore) -> bool {
        let roots = self.roots.borrow();
        roots.iter().filter_map(WeakStore::upgrade).any(|root| Wiring::of(&root).is(store))
    }

    fn actor_of(&self, store: &ReactonStore) -> Option<Rc<Actor>> {
        self.actors.borrow().iter().find(|actor| Wiring::of(actor.store()).is(store)).cloned()
    }

    fn step(&self) -> bool {
        let mut doable = self.doable();
        if doable.is_empty() {
            return false;
        }
        self.steps.set(self.steps.get() + 1);
        let next = doable.swap_remove(self.random.below(doable.len()));
        let acting = match &next {
            Doable::Root(store) => store,
            Doable::Take(actor) | Doable::Go(actor) => actor.store(),
        };
        self.trace.step(self.depth.get(), acting, &next);
        let _acting = Listed::new(&self.acting, acting.clone());
        self.entered(|| match &next {
            Doable::Root(store) => Wiring::of(store).take_one(),
            Doable::Take(actor) => actor.take_one(&self.random),
            Doable::Go(actor) => {
                if actor.go() {
                    self.actors.borrow_mut().retain(|other| !Rc::ptr_eq(other, actor));
                    actor.end();
                }
            }
        });
        true
    }

    /// Runs `f` as a part of the schedule. Afterwards a panic of a step that came between is resumed.
    fn entered<U>(&self, f: impl FnOnce() -> U) -> U {
        let result = {
            let _depth = Raised::by_one(&self.depth);
            f()
        };
        if self.depth.get() == 0
            && let Some(payload) = self.panicked.take()
        {
            resume_unwind(payload);
        }
        result
    }

    /// What runs now is on one thread; by the seed, other threads do something before it goes on.
    fn interrupt(&self) {
        if !(1..=MAX_DEPTH).contains(&self.depth.get()) {
            return;
        }
        while self.random.one_in(4) {
            // A panic in there is one of the other thread.
            match catch_unwind(AssertUnwindSafe(|| self.step())) {
                Ok(true) => {}
                Ok(false) => break,
                Err(payload) => {
                    self.panicked.borrow_mut().get_or_insert(payload);
                    break;
                }
            }
        }
    }

    fn doable(&self) -> Vec<Doable> {
        let can_take = |store: &ReactonStore| {
            let wiring = Wiring::of(store);
            wiring.has_arrivals() && !wiring.is_busy() && !self.waits(store)
        };
        self.roots.borrow_mut().retain(|root| root.upgrade().is_some());
        let roots = self.roots.borrow().iter().filter_map(WeakStore::upgrade).collect::<Vec<_>>();
        // The test acts for them all.
        let free = !self.roots_are_held.get();
        let roots = roots.into_iter().filter(|root| free && can_take(root)).map(Doable::Root);
        let actors = self.actors.borrow();
        // One may wait outside of its own steps: the test acts for it.
        let actors = actors.iter().filter(|actor| !self.waits(actor.store())).filter_map(|actor| {
            Some(match actor.next()? {
                Next::Take => Doable::Take(Rc::clone(actor)),
                Next::Go => Doable::Go(Rc::clone(actor)),
            })
        });
        roots.chain(actors).collect()
    }

    /// Fails if a worker is to end, but was not woken: on a thread it would block for ever.
    fn refuse_missed_ends(&self) {
        let actors = self.actors.borrow();
        let missed = actors.iter().filter(|actor| actor.has_missed_its_end()).count();
        assert!(
            missed == 0,
            "seed {}: {missed} of {} workers are to end, but sleep: their inboxes have received nothing since",
            self.seed,
            actors.len(),
        );
    }
}

/// A place where another thread may come between. In a simulation, by the seed, other stores take steps before this
/// returns; otherwise it does nothing. It asks a thread local: not for the way of each message.
pub(crate) fn interrupt() {
    if let Some(world) = World::current()
        && !std::thread::panicking()
    {
        world.interrupt();
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("steps", &self.steps.get())
            .finish_non_exhaustive()
    }
}
