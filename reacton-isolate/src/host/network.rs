//! The roads of a simulation. Each has two queues of bytes, which the seed cuts, delays, fills and ends. The code at
//! both ends is the same as for processes and for other machines.

mod bytes;
mod machine;
mod road;

use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, Peers, ReactonStore};

pub(crate) use self::machine::Machine;
pub(super) use self::road::{Move, Road};
use super::signal::{NoAnswer, Signal};
use super::simulated::{self, Simulated};
use super::task_threads::Job;
use super::world::World;
use super::{Failure, Host, Running, Start, Timer};
use crate::link::{Delivery, SendCounter, Sender};
use crate::sync::LinkId;
use crate::wire::message::IsolateMessage;
use crate::worker::exit::Exit;
use crate::worker::options::Options;

/// The host of one worker that is away: it runs in a simulation, behind a road.
#[derive(Debug)]
pub(super) struct Roads {
    host: Arc<Simulated>,
    exit: Arc<Mutex<Option<Exit>>>,
    /// Where the worker may run; none if it is in a process.
    machines: Vec<Arc<Machine>>,
}

impl Roads {
    pub(super) fn new(host: Arc<Simulated>, machines: Vec<Arc<Machine>>) -> Self {
        Self { host, exit: Arc::default(), machines }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Host for Roads {
    fn start(
        &self,
        main: &ReactonStore,
        options: &Options,
        start: Start,
    ) -> io::Result<Box<dyn Running>> {
        self.host.refuse_over()?;
        let world = simulated::world();
        let world =
            world.ok_or_else(|| io::Error::other("it is not on the thread of its simulation"))?;
        world.add_root(main);
        let signal = Signal::stepped(self.host.clone(), Wiring::of(main).number(), None);
        let road = Road::new(
            &self.host,
            start,
            Arc::new(signal),
            Arc::clone(&self.exit),
            self.machines.clone(),
            options.handshake_timeout,
        );
        Ok(world.start_away(road))
    }

    fn after(&self, wait: Duration, waker: Waker) -> io::Result<Timer> {
        self.host.after(wait, waker)
    }

    fn now(&self) -> Instant {
        Host::now(&*self.host)
    }

    fn run(&self, job: Arc<dyn Job>) -> io::Result<()> {
        self.host.run(job)
    }

    fn peers(&self) -> Option<Arc<dyn Peers>> {
        Host::peers(&*self.host)
    }

    fn road(&self, delivery: Delivery, counter: &SendCounter) -> Option<Arc<Sender>> {
        Some(Arc::new(Sender::new(delivery, counter.clone())))
    }

    fn exit(&self) -> Option<Exit> {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker behind a road of a simulation, as its spawn sees it.
pub(super) struct AwayWorker {
    signal: Arc<Signal>,
    sender: Arc<Sender>,
    /// Why the handshake was not completed.
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Running for AwayWorker {
    fn wait_answer(&self, timeout: Duration) -> Result<IsolateMessage, NoAnswer> {
        self.signal.wait_answer(timeout)
    }

    fn poll_answer(&self, context: &Context<'_>) -> Poll<Result<IsolateMessage, NoAnswer>> {
        self.signal.poll_answer(context)
    }

    fn cancel(&self) {
        self.signal.close();
        self.sender.end();
    }

    fn ends_within(&self, timeout: Duration) -> bool {
        self.signal.wait_end(timeout)
    }

    fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        self.signal.poll_end(context)
    }

    fn join(self: Box<Self>) -> Result<(), Failure> {
        self.signal.wait_end(Duration::MAX);
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}

impl fmt::Debug for AwayWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwayWorker").finish_non_exhaustive()
    }
}

impl World {
    /// Starts a worker behind a road. Its process starts in a later step.
    fn start_away(&self, road: Road) -> Box<dyn Running> {
        let road = Rc::new(road);
        let (signal, failure) = (road.signal(), road.failure());
        let worker = AwayWorker { signal, sender: road.sender(), failure };
        self.roads.borrow_mut().push(road);
        Box::new(worker)
    }

    /// Calls `add` for each thing that can happen next on a road.
    pub(super) fn moves(&self, mut add: impl FnMut(Rc<Road>, Move)) {
        for road in &*self.roads.borrow() {
            road.moves(|next| add(Rc::clone(road), next));
        }
    }

    /// Does one of these things.
    pub(super) fn follow(&self, road: &Rc<Road>, next: Move) {
        if road.follow(next, self) {
            self.roads.borrow_mut().retain(|other| !Rc::ptr_eq(other, road));
        }
    }

    /// Kills the process of a worker. Returns `false` if the process cannot be killed now.
    pub(crate) fn kill(&self, link: LinkId) -> bool {
        let road = self.roads.borrow().iter().find(|road| road.link() == link).cloned();
        road.is_some_and(|road| road.kill(self))
    }

    /// Returns the roads to a machine.
    fn roads_to(&self, machine: &Arc<Machine>) -> Vec<Rc<Road>> {
        let leads_there = |road: &&Rc<Road>| {
            let there = road.connection().and_then(|connection| connection.machine());
            there.is_some_and(|there| Arc::ptr_eq(&there, machine))
        };
        self.roads.borrow().iter().filter(leads_there).cloned().collect()
    }

    /// Nothing crosses the network to a machine any more.
    fn freeze(&self, machine: &Arc<Machine>) {
        for road in self.roads_to(machine) {
            road.freeze();
        }
    }

    /// Cuts the network to a machine for a time.
    pub(crate) fn cut(&self, machine: &Arc<Machine>, time: Duration) {
        if !machine.is_down() {
            self.freeze(machine);
            machine.cut(time);
        }
    }

    /// The connection to a machine is lost, with everything that is on its way.
    pub(crate) fn sever(&self, machine: &Arc<Machine>) {
        self.freeze(machine);
        machine.sever();
    }

    /// A machine goes, with all of its workers.
    pub(crate) fn lose(&self, machine: &Arc<Machine>) {
        self.freeze(machine);
        machine.go();
        for road in self.roads_to(machine) {
            road.vanish(self);
        }
        self.roads.borrow_mut().retain(|road| !road.is_finished());
    }

    /// Returns the machine of a worker.
    pub(crate) fn machine_of(&self, link: LinkId) -> Option<Arc<Machine>> {
        let road = self.roads.borrow().iter().find(|road| road.link() == link).cloned();
        road?.found()?.machine()
    }

    /// Returns the number of roads, each with a worker or the rest of one.
    pub(crate) fn road_count(&self) -> usize {
        self.roads.borrow().len()
    }

    /// Delivers everything that was sent. By then all workers have ended.
    pub(super) fn end_roads(&self) {
        let mut panics = FirstPanic::default();
        while let Some(road) = { self.roads.borrow_mut().pop() } {
            panics.guard(|| road.finish(self));
        }
        panics.resume();
    }
}
