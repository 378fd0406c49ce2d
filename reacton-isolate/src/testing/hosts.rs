//! The hosts of a simulation: other machines on which workers run, whose network the test cuts.

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use super::Simulation;
use crate::api::handle::IsolateStore;
use crate::host::network::Machine;
use crate::host::world::World;

/// A host of a [`Simulation`], as the extension for other machines has them: see [`Simulation::at`].
///
/// Its workers are behind roads, as in [`Simulation::away`]. A host is lost with all of its workers, and comes back
/// without them. Its network is cut for a time, in which nothing arrives. A client shows a silence of 3 s. After 30 s or
/// some more each end holds the connection for lost, so that for some seconds two workers may run, of which only the new
/// one is heard.
#[derive(Debug, Clone)]
pub struct SimulatedHost {
    world: Weak<World>,
    machine: Arc<Machine>,
}

impl Simulation {
    /// Returns a new host, on which so many workers may run at a time.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// # use reacton_isolate::{IsolateStatus, IsolateStore, Restart, SharedSet, testing::Simulation};
    /// let simulation = Simulation::new(1);
    /// let hosts = [1, 2].map(|capacity| simulation.host(capacity));
    /// let store = ReactonStore::new();
    /// let builder = IsolateStore::builder().restart(Restart::on_panic(1));
    /// let worker = simulation.at(&hosts, || builder.shared(SharedSet::from([])).spawn(&store, |_| ()))?;
    /// let lost = simulation.host_of(&worker).expect("the worker runs");
    /// hosts[lost].lose();
    /// simulation.settle();
    /// assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    /// assert_eq!(simulation.host_of(&worker), Some(1 - lost));
    /// # Ok::<(), reacton_isolate::SpawnError>(())
    /// ```
    #[must_use]
    pub fn host(&self, capacity: usize) -> SimulatedHost {
        let machine = Machine::new(capacity, &self.world.host);
        SimulatedHost { world: Rc::downgrade(&self.world), machine }
    }

    /// Runs `f` and returns its result. Each isolate that `f` spawns runs on one of the hosts, and so does each worker that
    /// replaces it.
    pub fn at<U>(&self, hosts: &[SimulatedHost], f: impl FnOnce() -> U) -> U {
        let machines = hosts.iter().map(|host| Arc::clone(&host.machine)).collect();
        self.world.host.away(machines, f)
    }

    /// Returns the number of the host on which the present worker of an isolate runs: they are counted from 0. `None` if it
    /// runs on no host, or has found none yet.
    #[must_use]
    pub fn host_of(&self, worker: &IsolateStore) -> Option<usize> {
        let machine = self.world.machine_of(worker.isolate.link())?;
        Some(machine.number())
    }

    /// Returns how many workers are behind a road, with those of which only a part is left: one that main has given up,
    /// or frames that nobody reads.
    #[must_use]
    pub fn roads(&self) -> usize {
        self.world.road_count()
    }
}

impl SimulatedHost {
    /// Returns how many workers have a place there.
    #[must_use]
    pub fn running(&self) -> usize {
        self.machine.running()
    }

    /// Lets so many workers of other clients run there, or as many as there is room for.
    pub fn occupy(&self, others: usize) {
        self.machine.occupy(others);
    }

    /// Cuts the network for so long from now on. What is on its way waits.
    pub fn cut(&self, time: Duration) {
        if let Some(world) = self.world.upgrade() {
            world.cut(&self.machine, time);
        }
    }

    /// The connections are lost, with what is on its way. Each end notices that in a later step.
    pub fn sever(&self) {
        if let Some(world) = self.world.upgrade() {
            world.sever(&self.machine);
        }
    }

    /// The host goes without a word, and all of its workers at once.
    pub fn lose(&self) {
        if let Some(world) = self.world.upgrade() {
            world.lose(&self.machine);
        }
    }

    /// The host is there again, after it was lost or stopped, and a cut is over.
    pub fn come_back(&self) {
        self.machine.come_back();
    }

    /// The host refuses further workers. Those that run do what has arrived, and end.
    pub fn stop(&self) {
        self.machine.stop();
    }

    /// Returns whether the host was lost and has not come back.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.machine.is_down()
    }
}
