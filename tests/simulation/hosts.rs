//! The hosts of a schedule, on which its workers run, and what happens to them.

use std::ops::AddAssign;
use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::{SimulatedHost, Simulation};

/// What is done to hosts in a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Cuts that are shorter than the patience of both ends.
    Fair,
    /// Whatever happens to machines and networks.
    Foul,
}

/// Counts of what was done to hosts.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Disturbed {
    pub(crate) hosts_lost: u64,
    pub(crate) roads_lost: u64,
    pub(crate) cuts: u64,
    pub(crate) stops: u64,
}

impl AddAssign for Disturbed {
    fn add_assign(&mut self, other: Self) {
        self.hosts_lost += other.hosts_lost;
        self.roads_lost += other.roads_lost;
        self.cuts += other.cuts;
        self.stops += other.stops;
    }
}

impl Disturbed {
    /// Asserts that everything has happened in enough of so many schedules.
    pub(crate) fn assert_often(&self, seeds: u64) {
        let Self { hosts_lost, roads_lost, cuts, stops } = *self;
        assert!(hosts_lost.min(roads_lost).min(stops) > seeds / 10 && cuts > seeds / 2, "{self:?}");
    }
}

/// A worker on a host is restarted whatever happens. It waits before each attempt, since its hosts may be away for long.
pub(crate) fn restart_always() -> Restart {
    let backoff = Duration::from_millis(10);
    Restart::OnPanic { max: u32::MAX, within: Duration::MAX, backoff }
}

pub(crate) struct Hosts {
    simulation: Rc<Simulation>,
    all: Vec<SimulatedHost>,
    /// The hosts that were lost or stopped, and are not back.
    away: Vec<bool>,
    weather: Weather,
    /// When the last cut is over.
    cut_until: Duration,
    disturbed: Disturbed,
}

impl Hosts {
    /// Up to three hosts, each with room for so many workers or one more.
    pub(crate) fn begin(simulation: &Rc<Simulation>, room: usize) -> Self {
        let weather = [Weather::Foul, Weather::Fair][usize::from(simulation.pick(3) == 2)];
        let all = (0..=1 + simulation.pick(2)).map(|_| simulation.host(room + simulation.pick(2)));
        let all: Vec<_> = all.collect();
        Self {
            simulation: Rc::clone(simulation),
            away: vec![false; all.len()],
            all,
            weather,
            cut_until: Duration::ZERO,
            disturbed: Disturbed::default(),
        }
    }

    pub(crate) fn is_fair(&self) -> bool {
        self.weather == Weather::Fair
    }

    pub(crate) fn disturbed(&self) -> Disturbed {
        self.disturbed
    }

    /// Each isolate that `f` spawns runs on one of the hosts.
    pub(crate) fn at<U>(&self, f: impl FnOnce() -> U) -> U {
        self.simulation.at(&self.all, f)
    }

    /// How many workers have a place.
    pub(crate) fn running(&self) -> usize {
        self.all.iter().map(SimulatedHost::running).sum()
    }

    fn pick(&self, limit: usize) -> usize {
        self.simulation.pick(limit)
    }

    fn note(&self, line: impl FnOnce() -> String) {
        self.simulation.note(line);
    }

    /// Something happens to a host or to the network, or time passes.
    pub(crate) fn disturb_or_advance(&mut self) {
        match self.pick(3) {
            0 => self.advance(),
            _ => self.disturb(),
        }
    }

    /// Something happens to a host, or to the network.
    pub(crate) fn disturb(&mut self) {
        let at = self.pick(self.all.len());
        if self.is_fair() {
            return self.cut_for_a_moment(at);
        }
        let host = self.all[at].clone();
        match self.pick(8) {
            0 | 1 => {
                let time = [1_000, 5_000, 29_000, 60_000, 100_000][self.pick(5)];
                self.note(|| format!("host {at} is cut off for {time} ms"));
                self.disturbed.cuts += 1;
                host.cut(Duration::from_millis(time));
                if time >= 60_000 {
                    // One end has lost its patience, and the other one has not.
                    let patience = Duration::from_secs(29 + self.pick(12) as u64);
                    self.simulation.advance(patience);
                }
            }
            2 => {
                self.note(|| format!("the connection to host {at} is lost"));
                self.disturbed.roads_lost += host.running() as u64;
                host.sever();
            }
            3 => {
                self.note(|| format!("host {at} is lost"));
                self.disturbed.hosts_lost += 1;
                self.away[at] = true;
                host.lose();
                assert_eq!(host.running(), 0, "host {at} is lost with its workers");
            }
            4 => {
                self.note(|| format!("host {at} stops"));
                self.disturbed.stops += 1;
                self.away[at] = true;
                host.stop();
            }
            5 => {
                let others = self.pick(4);
                self.note(|| format!("others have {others} workers on host {at}"));
                host.occupy(others);
            }
            _ if std::mem::take(&mut self.away[at]) => {
                self.note(|| format!("host {at} is back"));
                host.come_back();
            }
            _ => {}
        }
    }

    /// A cut after which nothing may be lost. One at a time, so that they do not add up.
    fn cut_for_a_moment(&mut self, at: usize) {
        let now = self.simulation.elapsed();
        if now < self.cut_until + Duration::from_secs(1) {
            return;
        }
        let time = Duration::from_millis([500, 2_500, 8_000, 28_000][self.pick(4)]);
        self.note(|| format!("host {at} is cut off for {time:?}"));
        self.cut_until = now + time;
        self.disturbed.cuts += 1;
        self.all[at].cut(time);
    }

    /// Time passes.
    pub(crate) fn advance(&self) {
        let time = Duration::from_millis([50, 2_000, 12_000, 40_000][self.pick(4)]);
        self.note(|| format!("{time:?} pass"));
        self.simulation.advance(time);
    }

    /// All hosts are there, with room, from now on.
    pub(crate) fn mend(&self) {
        for host in &self.all {
            host.occupy(0);
            if !self.is_fair() {
                host.come_back();
            }
        }
    }
}
