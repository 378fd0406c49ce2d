//! A pool whose members run on hosts: each job is done, or is lost with the hosts that had it.

use std::ops::AddAssign;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use reacton::prelude::*;
use reacton::testing::Simulation;

use super::{Jobs, Writes};
use crate::fallible::set_fallible;
use crate::hosts::{self, Disturbed, Hosts};
use crate::observers::SMALLS;
use crate::schedule::run_all;

/// Counts of what happened in a run.
#[derive(Debug, Default)]
struct Tally {
    given: u64,
    done: u64,
    lost: u64,
    disturbed: Disturbed,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.given += other.given;
        self.done += other.done;
        self.lost += other.lost;
        self.disturbed += other.disturbed;
    }
}

struct Schedule {
    simulation: Rc<Simulation>,
    store: ReactonStore,
    hosts: Hosts,
    jobs: Jobs,
}

impl Schedule {
    fn begin(simulation: Rc<Simulation>) -> Self {
        super::forget_all();
        set_fallible(None);
        let (store, hosts) = (ReactonStore::new(), Hosts::begin(&simulation, 3));
        let members = 1 + simulation.pick(3);
        let (shares_small, latest) = (simulation.pick(2) == 1, simulation.pick(3) == 2);
        let delivery = if latest { Delivery::Latest } else { Delivery::Every };
        simulation.note(|| format!("a pool of {members} is spawned under {delivery:?}"));
        let restart = hosts::restart_always();
        let jobs = hosts.at(|| Jobs::begin(&store, members, shares_small, delivery, restart));
        Self { simulation, store, hosts, jobs }
    }

    /// Main writes a job.
    fn give(&self) {
        let (order, small) = (self.simulation.pick(6), self.simulation.pick(4));
        let small = u8::try_from(small).unwrap_or(0);
        let writes = match self.simulation.pick(4) {
            2 => Writes::Touched(small),
            3 if self.jobs.for_all & SMALLS != 0 => Writes::Small(small),
            _ => Writes::Nothing,
        };
        self.simulation.note(|| format!("the pool gets a job, order {order}, writes {writes:?}"));
        let give = || self.jobs.orders.give(&self.store, writes, order);
        if self.simulation.pick(2) == 1 { self.simulation.interleaved(give) } else { give() }
    }

    fn act(&mut self) {
        match self.simulation.pick(20) {
            0..8 => {
                for _ in 0..=self.simulation.pick(6) {
                    self.simulation.step();
                }
            }
            8..13 => self.give(),
            13 | 14 => {
                self.simulation.note(|| String::from("the pool gets a setting"));
                self.jobs.orders.set(&self.store);
            }
            15 => {
                self.simulation.note(|| String::from("the pool panics in the next job"));
                self.jobs.panics.store(true, Ordering::Relaxed);
            }
            16..19 => {
                self.hosts.disturb();
                self.jobs.repeats = !self.hosts.is_fair();
            }
            _ => self.hosts.advance(),
        }
    }

    fn run(mut self) -> Tally {
        while self.simulation.pick(60) > 0 {
            self.act();
        }
        self.simulation.note(|| String::from("everything comes to rest"));
        self.hosts.mend();
        self.simulation.settle();
        // What is written now arrives, too.
        self.give();
        self.simulation.settle();
        let done = self.jobs.check(&self.store);
        let stats = self.jobs.pool.stats();
        assert_eq!(self.hosts.running(), self.jobs.pool.members().len(), "places of no worker");
        drop(self.jobs);
        self.simulation.settle();
        assert_eq!((self.simulation.roads(), self.simulation.workers().len()), (0, 0));
        assert_eq!(self.hosts.running(), 0, "places of no worker");
        Tally { given: stats.given, done, lost: stats.lost, disturbed: self.hosts.disturbed() }
    }
}

/// Run by the simulation of hosts.
pub(crate) fn on_hosts() {
    let (seeds, all) = run_all(|simulation| Schedule::begin(simulation).run());
    if seeds >= 100 {
        assert!(all.given > 5 * seeds && all.done > 4 * seeds && all.lost > seeds / 10);
        all.disturbed.assert_often(seeds);
    }
}
