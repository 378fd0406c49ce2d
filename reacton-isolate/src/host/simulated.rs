//! The host of a simulation: workers run step by step on one thread, or each on its own thread, one at a time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;
#[cfg(feature = "process")]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use reacton_core::wiring::Wiring;
use reacton_core::{IsReady, Peers, ReactonStore, panics};

#[cfg(feature = "process")]
use super::network::{Machine, Roads};
use super::random::Random;
use super::signal::Signal;
use super::stack::{Pause, Stack};
use super::task_threads::{self, Job};
use super::virtual_time::VirtualTime;
use super::world::World;
use super::{Host, Running, Start, Timer, set_current, threads};
use crate::interrupt::set_hook;
use crate::worker::options::Options;

/// The state that the threads of one simulation share. One of them runs at a time.
pub(crate) struct Simulated {
    own: Weak<Self>,
    /// Each worker has its own thread.
    threaded: bool,
    pub(crate) random: Random,
    pub(crate) time: VirtualTime,
    stacks: Mutex<Vec<Arc<Stack>>>,
    jobs: Mutex<VecDeque<Arc<dyn Job>>>,
    /// New workers are put behind a road: to one of these machines, or to a process if there are none.
    #[cfg(feature = "process")]
    away: Mutex<Option<Vec<Arc<Machine>>>>,
    /// How many machines there are.
    #[cfg(feature = "process")]
    pub(super) machines: AtomicUsize,
    /// The number of steps taken.
    pub(super) steps: AtomicU64,
    /// The simulation was dropped: waiting threads continue, so that they notice that they have to end.
    is_over: AtomicBool,
}

/// The role of this thread in its simulation.
#[derive(Clone)]
enum Place {
    /// The thread that made the simulation.
    World(std::rc::Weak<World>),
    /// The thread of a worker.
    Stack(Arc<Stack>),
}

thread_local! {
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

fn place() -> Option<Place> {
    PLACE.try_with(|place| place.borrow().clone()).ok().flatten()
}

fn set_place(place: Option<Place>) {
    let displaced = PLACE.try_with(|current| current.replace(place));
    drop(displaced);
}

/// Returns the world that this thread has created.
pub(super) fn world() -> Option<Rc<World>> {
    match place()? {
        Place::World(world) => world.upgrade(),
        Place::Stack(_) => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Simulated {
    pub(super) fn new(random: Random, threaded: bool) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            own: Weak::clone(own),
            threaded,
            random,
            time: VirtualTime::new(),
            stacks: Mutex::default(),
            jobs: Mutex::default(),
            #[cfg(feature = "process")]
            away: Mutex::default(),
            #[cfg(feature = "process")]
            machines: AtomicUsize::new(0),
            steps: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    fn arc(&self) -> Arc<Self> {
        self.own.upgrade().expect("an `Arc` holds this host")
    }

    /// Makes `world` the host of what this thread starts. Returns `false` if this thread already has a simulation.
    pub(super) fn enter(&self, world: &Rc<World>) -> bool {
        if place().is_some() {
            return false;
        }
        set_place(Some(Place::World(Rc::downgrade(world))));
        set_current(Some(self.arc()));
        let world = Rc::downgrade(world);
        set_hook(Some(Rc::new(move || {
            if let Some(world) = world.upgrade() {
                world.interrupt();
            }
        })));
        true
    }

    /// Runs `f`; workers that it spawns are put behind a road: to one of the `machines`, or to a process if there are
    /// none.
    #[cfg(feature = "process")]
    pub(crate) fn away<U>(&self, machines: Vec<Arc<Machine>>, f: impl FnOnce() -> U) -> U {
        struct Back<'b>(&'b Mutex<Option<Vec<Arc<Machine>>>>, Option<Vec<Arc<Machine>>>);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                *lock(self.0) = self.1.take();
            }
        }
        let before = lock(&self.away).replace(machines);
        let _back = Back(&self.away, before);
        f()
    }

    /// Ends the remaining threads and tasks. From now on no worker starts and no timer fires: an isolate that waits for
    /// a restart learns that there is none.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        for _ in 0..PATIENCE {
            self.run_jobs();
            for stack in self.stacks() {
                stack.mailbox().cancel();
                // A worker that does not end although it has to is left running, as it would be without a simulation.
                if !stack.resume_within(A_MOMENT) {
                    lock(&self.stacks).retain(|other| !Arc::ptr_eq(other, &stack));
                    stack.set_free(PATIENCE);
                }
            }
        }
        self.run_jobs();
        self.time.take_all().into_iter().for_each(panics::wake);
    }

    fn run_jobs(&self) {
        while let Some(job) = self.take_job() {
            job.run();
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// # Errors
    /// If the simulation was dropped.
    pub(super) fn refuse_over(&self) -> io::Result<()> {
        if self.is_over() { Err(io::Error::other("its simulation is over")) } else { Ok(()) }
    }

    /// Returns the threads of workers that have not ended, in the order of their starts.
    pub(super) fn stacks(&self) -> Vec<Arc<Stack>> {
        let mut stacks = lock(&self.stacks);
        stacks.retain(|stack| !stack.has_ended());
        stacks.clone()
    }

    /// Returns whether a task waits to be run.
    pub(super) fn has_job(&self) -> bool {
        !lock(&self.jobs).is_empty()
    }

    /// Takes the task that has waited longest.
    pub(super) fn take_job(&self) -> Option<Arc<dyn Job>> {
        lock(&self.jobs).pop_front()
    }

    /// Returns whether others run before this thread continues, by the seed.
    pub(super) fn is_interrupted(&self) -> bool {
        self.random.one_in(4)
    }

    /// Starts a worker on its own thread.
    fn start_stack(
        &self,
        main: u64,
        options: &Options,
        start: Start,
    ) -> io::Result<Box<dyn Running>> {
        let stack = Arc::new(Stack::new(start.setup.inbox.weak_mailbox()));
        let (host, own) = (self.arc(), Arc::clone(&stack));
        let signal = Signal::stepped(self.arc(), main, Some(Arc::clone(&stack)));
        let thread = threads::start_with(options, signal, move |signal| {
            own.wait_until_resumed();
            set_place(Some(Place::Stack(Arc::clone(&own))));
            set_current(Some(Arc::clone(&host) as Arc<dyn Host>));
            set_hook(Some(Rc::new(move || {
                if !host.is_over() && host.is_interrupted() {
                    own.suspend(Pause::Interrupted);
                }
            })));
            threads::run_start(start, signal);
        })?;
        lock(&self.stacks).push(stack);
        Ok(Box::new(thread))
    }

    /// Suspends the thread of a worker.
    fn suspend(
        &self,
        stack: &Stack,
        is_ready: &dyn Fn() -> bool,
        seems_ready: &IsReady,
        deadline: Option<Instant>,
    ) -> bool {
        while !is_ready() {
            if deadline.is_some_and(|deadline| deadline <= self.time.now()) {
                return false;
            }
            let is_ready = Arc::clone(seems_ready);
            stack.suspend(Pause::Waiting { is_ready, deadline });
            if self.is_over() {
                return false;
            }
        }
        true
    }
}

/// Removes the simulation from this thread.
pub(super) fn leave() {
    set_hook(None);
    set_current(None);
    set_place(None);
}

/// How many times a remaining worker may wait before it has to end, when a simulation is dropped.
const PATIENCE: u32 = 100;

/// How long a worker may run between two waits when a simulation is dropped.
const A_MOMENT: Duration = Duration::from_secs(5);

impl Host for Simulated {
    fn start(
        &self,
        main: &ReactonStore,
        options: &Options,
        start: Start,
    ) -> io::Result<Box<dyn Running>> {
        self.refuse_over()?;
        let world = world();
        if let Some(world) = &world {
            world.add_root(main);
        }
        match world {
            Some(world) if !self.threaded => Ok(world.start(options, start)),
            _ => {
                let main = Wiring::of(main).number();
                self.start_stack(main, options, start)
            }
        }
    }

    fn after(&self, wait: Duration, waker: Waker) -> io::Result<Timer> {
        self.refuse_over()?;
        Ok(Box::new(self.time.set_timer(wait, waker)))
    }

    fn now(&self) -> Instant {
        self.time.now()
    }

    fn run(&self, job: Arc<dyn Job>) -> io::Result<()> {
        if self.is_over() {
            // The worker has outlived the simulation.
            return task_threads::execute(job);
        }
        lock(&self.jobs).push_back(job);
        Ok(())
    }

    fn peers(&self) -> Option<Arc<dyn Peers>> {
        Some(self.arc())
    }

    #[cfg(feature = "process")]
    fn behind_road(&self, asked: bool) -> Option<Arc<dyn Host>> {
        let away = lock(&self.away).clone().or_else(|| asked.then(Vec::new));
        let machines = away.filter(|_| !self.threaded)?;
        Some(Arc::new(Roads::new(self.arc(), machines)))
    }
}

impl Peers for Simulated {
    fn now(&self) -> Instant {
        self.time.now()
    }

    fn wait_until(
        &self,
        waiting: Option<u64>,
        is_ready: &dyn Fn() -> bool,
        seems_ready: IsReady,
        deadline: Option<Instant>,
    ) -> bool {
        match place() {
            Some(Place::World(world)) => match world.upgrade() {
                Some(world) => world.wait(waiting, is_ready, deadline),
                None => is_ready(),
            },
            Some(Place::Stack(stack)) => self.suspend(&stack, is_ready, &seems_ready, deadline),
            None => is_ready(),
        }
    }

    fn step(&self, waiting: Option<u64>) -> bool {
        match place() {
            Some(Place::World(world)) => {
                world.upgrade().is_some_and(|world| world.step_for_task(waiting))
            }
            Some(Place::Stack(stack)) => {
                let before = self.steps.load(Ordering::SeqCst);
                stack.suspend(Pause::Interrupted);
                // One of the steps is the one that resumed this thread.
                self.steps.load(Ordering::SeqCst) > before + 1
            }
            None => false,
        }
    }
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").field("threaded", &self.threaded).finish_non_exhaustive()
    }
}

/// Sleeps for `wait`; in a simulation, in virtual time.
pub(crate) fn sleep(wait: Duration) {
    let host = super::current();
    match host.peers() {
        Some(peers) => {
            let deadline = host.now().checked_add(wait);
            peers.wait(None, Arc::new(|| false), deadline);
        }
        None => std::thread::sleep(wait),
    }
}
