//! The scheduler of a simulation: chooses which store takes the next step, and when time passes.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, ReactonStore, WeakStore, panics};

use super::actor::{Actor, Next, SteppedWorker};
use super::guards::{Listed, Set};
#[cfg(feature = "process")]
use super::network::{Move, Road};
use super::random::Random;
use super::simulated::{self, Simulated};
use super::stack::Stack;
use super::trace::Trace;
use super::{Running, Start};
use crate::sync::LinkId;
use crate::worker::options::Options;

/// The number of steps after which a simulation counts as endless.
pub(crate) const MAX_STEPS: usize = 1_000_000;

/// The maximum depth of nested, interrupted steps.
const MAX_DEPTH: usize = 3;

/// How many times in a row a worker without a thread may wait without result.
const MAX_FRUITLESS: u32 = 1000;

/// The parts of a simulation that belong to the thread that created it.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) host: Arc<Simulated>,
    pub(crate) trace: Trace,
    /// Stores that have spawned workers and are not workers themselves.
    roots: RefCell<Vec<WeakStore>>,
    pub(super) actors: RefCell<Vec<Rc<Actor>>>,
    /// The roads to workers behind one.
    #[cfg(feature = "process")]
    pub(super) roads: RefCell<Vec<Rc<Road>>>,
    /// The number of nested steps in progress.
    depth: Cell<usize>,
    /// Set while an async worker is polled: what it awaits does not let others take steps.
    polls: Cell<bool>,
    /// Set while the test acts for the root stores, so that they take no steps.
    roots_are_held: Cell<bool>,
    /// The stores that are taking a step, innermost last. `None` for a step without a store.
    acting: RefCell<Vec<Option<ReactonStore>>>,
    /// The stores that are waiting, innermost last.
    waiting: RefCell<Vec<u64>>,
    /// How many times in a row a worker without a thread has waited without result.
    fruitless: Cell<u32>,
    /// The first panic of a nested step.
    panicked: RefCell<Option<Box<dyn Any + Send>>>,
}

/// A possible next step.
enum Doable {
    /// A root store applies the first item of its inbox.
    Root(ReactonStore),
    /// A worker applies the first item of its inbox.
    Take(Rc<Actor>),
    /// A worker calls its function, or ends.
    Go(Rc<Actor>),
    /// A worker with its own thread continues.
    Resume(Arc<Stack>),
    /// Something happens on a road.
    #[cfg(feature = "process")]
    Road(Rc<Road>, Move),
    /// A task runs.
    Run,
}

impl Doable {
    /// Returns its name in a trace.
    fn what(&self) -> &'static str {
        match self {
            Self::Root(_) | Self::Take(_) => "applies one item of its inbox",
            Self::Go(_) => "calls or polls its function, or ends",
            Self::Resume(_) => "a thread runs until it waits",
            #[cfg(feature = "process")]
            Self::Road(_, next) => next.what(),
            Self::Run => "a task runs",
        }
    }
}

impl World {
    /// Returns the depth of the current step.
    pub(crate) fn depth(&self) -> usize {
        self.depth.get()
    }

    /// Returns the world of a new simulation. `None` if this thread has one.
    pub(crate) fn new(seed: u64, random: Random, trace: Trace, threaded: bool) -> Option<Rc<Self>> {
        let host = Simulated::new(random, threaded);
        let world = Rc::new(Self {
            seed,
            host,
            trace,
            roots: RefCell::default(),
            actors: RefCell::default(),
            #[cfg(feature = "process")]
            roads: RefCell::default(),
            depth: Cell::new(0),
            polls: Cell::new(false),
            roots_are_held: Cell::new(false),
            acting: RefCell::default(),
            waiting: RefCell::default(),
            fruitless: Cell::new(0),
            panicked: RefCell::default(),
        });
        world.host.enter(&world).then_some(world)
    }

    /// Ends the remaining workers.
    pub(crate) fn end(&self) {
        // Ending a worker may spawn another one.
        let mut panics = FirstPanic::default();
        while let Some(actor) = { self.actors.borrow_mut().pop() } {
            panics.guard(|| actor.end());
            panics.guard(|| drop(actor));
        }
        #[cfg(feature = "process")]
        panics.guard(|| self.end_roads());
        panics.guard(|| self.host.end());
        simulated::leave();
        for root in self.roots.take().iter().filter_map(WeakStore::upgrade) {
            Wiring::of(&root).set_peers(None);
        }
        panics.resume();
    }

    pub(crate) fn acting(&self) -> Option<ReactonStore> {
        self.acting.borrow().last().cloned().flatten()
    }

    pub(crate) fn workers(&self) -> Vec<ReactonStore> {
        self.actors.borrow().iter().map(|actor| actor.store().clone()).collect()
    }

    /// Returns the store of the worker of a link.
    pub(crate) fn store_of(&self, link: LinkId) -> Option<ReactonStore> {
        let actors = self.actors.borrow();
        actors.iter().find(|actor| actor.link() == link).map(|actor| actor.store().clone())
    }

    /// Called when a store has spawned. If it is not a worker, it takes steps from now on.
    pub(super) fn add_root(&self, store: &ReactonStore) {
        if self.actor_of(store).is_none() && !self.is_root(store) {
            self.roots.borrow_mut().push(store.downgrade());
            Wiring::of(store).set_peers(super::Host::peers(&*self.host));
        }
    }

    /// Starts a worker without a thread of its own. The handshake happens at once.
    pub(super) fn start(&self, options: &Options, start: Start) -> Box<dyn Running> {
        let Start { setup, entry, over_the_link } = start;
        let begin = self.now();
        let (actor, mismatches) = Actor::new(setup, entry, over_the_link);
        let is_late = self.now() - begin > options.handshake_timeout && !over_the_link;
        if mismatches.is_empty() && !is_late {
            self.add_actor(&Rc::new(actor));
        }
        Box::new(SteppedWorker::new((!is_late).then_some(mismatches)))
    }

    /// Lets a worker take steps from now on.
    pub(super) fn add_actor(&self, actor: &Rc<Actor>) {
        self.actors.borrow_mut().push(Rc::clone(actor));
    }

    pub(super) fn remove_actor(&self, actor: &Rc<Actor>) {
        self.actors.borrow_mut().retain(|other| !Rc::ptr_eq(other, actor));
    }

    pub(crate) fn now(&self) -> Instant {
        self.host.time.now()
    }

    /// Lets others run until `is_ready` returns true or the deadline has passed. Returns whether it is ready.
    pub(super) fn wait(
        &self,
        waiting: Option<u64>,
        is_ready: &dyn Fn() -> bool,
        deadline: Option<Instant>,
    ) -> bool {
        let _polls = Set::to(&self.polls, false);
        let _waiting = waiting.map(|number| Listed::new(&self.waiting, number));
        // A wait without a store may belong to code of any root store.
        let held = self.roots_are_held.get() || waiting.is_none();
        let _held = Set::to(&self.roots_are_held, held);
        for _ in 0..MAX_STEPS {
            if is_ready() {
                self.fruitless.set(0);
                return true;
            }
            if deadline.is_some_and(|deadline| deadline <= self.now()) {
                self.refuse_loop(waiting, deadline);
                return false;
            }
            if self.step_at(deadline) {
                continue;
            }
            let next = [deadline, self.first_deadline()].into_iter().flatten().min();
            let next = next
                .expect("this store waits forever: nothing is left that could send it a message");
            self.host.time.advance_to(next);
        }
        panic!("seed {}: a store still waits after {MAX_STEPS} steps", self.seed)
    }

    /// Panics if a worker without a thread waits again and again: the stores below it on the stack wait for it, so
    /// nothing can happen.
    fn refuse_loop(&self, waiting: Option<u64>, deadline: Option<Instant>) {
        let is_actor = waiting.is_some_and(|waiting| {
            self.actors.borrow().iter().any(|actor| Wiring::of(actor.store()).number() == waiting)
        });
        if is_actor && deadline.is_some() {
            self.fruitless.set(self.fruitless.get() + 1);
            assert!(
                self.fruitless.get() < MAX_FRUITLESS,
                "this worker has waited {MAX_FRUITLESS} times in a simulation, and nothing came: a worker with a loop of its own \
                 needs a thread, as `Simulation::threaded` starts it"
            );
        }
    }

    /// Lets another store take a step, or time pass, while a task waits. Returns `false` if nothing can happen.
    pub(super) fn step_for_task(&self, waiting: Option<u64>) -> bool {
        if self.polls.get() {
            return false;
        }
        let _waiting = waiting.map(|number| Listed::new(&self.waiting, number));
        let held = self.roots_are_held.get() || waiting.is_none();
        let _held = Set::to(&self.roots_are_held, held);
        if self.step() {
            return true;
        }
        let next = self.first_deadline();
        if let Some(next) = next {
            self.host.time.advance_to(next);
        }
        next.is_some()
    }

    /// Lets time pass. Everything that is due in this time happens in order.
    pub(crate) fn advance(&self, time: Duration) {
        // `None` if that is out of range; then the end is later than any point in time.
        let end = self.now().checked_add(time);
        for _ in 0..MAX_STEPS {
            if self.step_at(end) {
                continue;
            }
            let next = self.first_deadline().filter(|next| end.is_none_or(|end| *next <= end));
            let Some(to) = next.or(end) else { return };
            self.host.time.advance_to(to);
            if next.is_none() {
                return;
            }
        }
        panic!("seed {}: stores still take steps after {MAX_STEPS} of them", self.seed)
    }

    /// Returns the next point in time at which a waiting thread continues.
    fn first_deadline(&self) -> Option<Instant> {
        let stacks = self.host.stacks().into_iter().filter_map(|stack| stack.deadline());
        stacks.chain(self.host.time.first_timer()).min()
    }

    pub(crate) fn step(&self) -> bool {
        self.step_at(None)
    }

    /// Takes one step. If no store can take one, fires the first timer, unless that is after `end`. Returns whether
    /// anything happened.
    fn step_at(&self, end: Option<Instant>) -> bool {
        let time = &self.host.time;
        let has_called = self.call_due();
        let mut doable = self.doable();
        if doable.is_empty() {
            // A timer may have fulfilled the condition of a store.
            if has_called {
                return true;
            }
            let first = time.first_timer().filter(|first| end.is_none_or(|end| *first <= end));
            if let Some(first) = first {
                time.advance_to(first);
                self.call_due();
            }
            return first.is_some();
        }
        time.pass(&self.host.random);
        self.host.steps.fetch_add(1, Ordering::SeqCst);
        let next = doable.swap_remove(self.host.random.below(doable.len()));
        let acting = match &next {
            Doable::Root(store) => Some(store.clone()),
            Doable::Take(actor) | Doable::Go(actor) => Some(actor.store().clone()),
            Doable::Resume(_) | Doable::Run => None,
            #[cfg(feature = "process")]
            Doable::Road(..) => None,
        };
        self.trace.step(self.depth.get(), acting.as_ref(), next.what());
        let _acting = Listed::new(&self.acting, acting);
        let _polls = Set::to(&self.polls, false);
        self.entered(|| self.take(&next));
        true
    }

    fn take(&self, next: &Doable) {
        match next {
            Doable::Root(store) => Wiring::of(store).take_one(),
            Doable::Take(actor) => actor.take_one(&self.host.random, &self.polls),
            Doable::Go(actor) => {
                if actor.go(&self.polls) {
                    self.remove_actor(actor);
                    actor.end();
                }
            }
            Doable::Resume(stack) => stack.resume(),
            #[cfg(feature = "process")]
            Doable::Road(road, next) => self.follow(road, *next),
            Doable::Run => {
                if let Some(job) = self.host.take_job() {
                    job.run();
                }
            }
        }
    }

    /// Calls the timers that are due. Returns whether there were any.
    fn call_due(&self) -> bool {
        let mut called = false;
        while let Some(waker) = self.host.time.take_due() {
            panics::wake(waker);
            called = true;
        }
        called
    }

    /// Runs `f` as a part of the schedule, and returns its result. A panic of a nested step is resumed afterwards.
    fn entered<U>(&self, f: impl FnOnce() -> U) -> U {
        let result = {
            let _depth = Set::to(&self.depth, self.depth.get() + 1);
            f()
        };
        if self.depth.get() == 0
            && let Some(payload) = self.panicked.take()
        {
            resume_unwind(payload);
        }
        result
    }

    /// Runs `f`, and returns its result. In `f` the test acts for the root stores, and steps of others may interrupt
    /// it.
    pub(crate) fn interleaved<U>(&self, f: impl FnOnce() -> U) -> U {
        let _held = Set::to(&self.roots_are_held, true);
        self.entered(f)
    }

    /// Called at a point where a thread may be preempted: by the seed, other threads run before the current code
    /// continues.
    pub(super) fn interrupt(&self) {
        if !(1..=MAX_DEPTH).contains(&self.depth.get()) {
            return;
        }
        while self.host.is_interrupted() {
            // A panic of this step belongs to the other thread.
            match catch_unwind(AssertUnwindSafe(|| self.step_at(self.host.time.after_a_while()))) {
                Ok(true) => {}
                Ok(false) => break,
                Err(payload) => {
                    self.panicked.borrow_mut().get_or_insert(payload);
                    break;
                }
            }
        }
    }

    fn waits(&self, store: &ReactonStore) -> bool {
        self.waiting.borrow().contains(&Wiring::of(store).number())
    }

    fn is_root(&self, store: &ReactonStore) -> bool {
        let roots = self.roots.borrow();
        roots.iter().filter_map(WeakStore::upgrade).any(|root| Wiring::of(&root).is(store))
    }

    fn actor_of(&self, store: &ReactonStore) -> Option<Rc<Actor>> {
        self.actors.borrow().iter().find(|actor| Wiring::of(actor.store()).is(store)).cloned()
    }

    fn doable(&self) -> Vec<Doable> {
        let can_take = |store: &ReactonStore| {
            let wiring = Wiring::of(store);
            wiring.has_arrivals() && !wiring.is_busy() && !self.waits(store)
        };
        self.roots.borrow_mut().retain(|root| root.upgrade().is_some());
        let roots = self.roots.borrow().iter().filter_map(WeakStore::upgrade).collect::<Vec<_>>();
        // If the test acts for the root stores, none of them takes steps.
        let free = !self.roots_are_held.get();
        let roots = roots.into_iter().filter(|root| free && can_take(root)).map(Doable::Root);
        let actors = self.actors.borrow();
        // A worker may wait outside of its own steps, if the test acts for it.
        let actors = actors.iter().filter(|actor| !self.waits(actor.store())).filter_map(|actor| {
            Some(match actor.next()? {
                Next::Take => Doable::Take(Rc::clone(actor)),
                Next::Go => Doable::Go(Rc::clone(actor)),
            })
        });
        let now = self.now();
        let stacks = self.host.stacks().into_iter().filter(|stack| stack.is_runnable(now));
        let jobs = self.host.has_job().then_some(Doable::Run);
        let stacks = stacks.map(Doable::Resume);
        #[cfg_attr(not(feature = "process"), expect(unused_mut, reason = "roads add to it"))]
        let mut doable: Vec<_> = roots.chain(actors).chain(stacks).chain(jobs).collect();
        #[cfg(feature = "process")]
        self.moves(|road, next| doable.push(Doable::Road(road, next)));
        doable
    }

    /// Panics if a worker has to end but was not woken: a thread would block for ever.
    pub(crate) fn refuse_missed_ends(&self) {
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

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("steps", &self.host.steps)
            .finish_non_exhaustive()
    }
}
