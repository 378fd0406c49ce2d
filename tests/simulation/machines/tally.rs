//! What happened in the schedules.

use std::ops::AddAssign;

/// Counts of what happened in a run.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) steps: u64,
    pub(super) workers: u64,
    pub(super) orders: u64,
    pub(super) heard: u64,
    pub(super) hosts_lost: u64,
    pub(super) roads_lost: u64,
    pub(super) cuts: u64,
    pub(super) stops: u64,
    pub(super) silences: u64,
    pub(super) returns: u64,
    pub(super) restarts: u64,
    pub(super) restarts_elsewhere: u64,
    /// How often a second worker began while the first one ran.
    pub(super) overlaps: u64,
    pub(super) refused: u64,
    pub(super) unreachable: u64,
    pub(super) lost: u64,
    pub(super) compared: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.workers += other.workers;
        self.orders += other.orders;
        self.heard += other.heard;
        self.hosts_lost += other.hosts_lost;
        self.roads_lost += other.roads_lost;
        self.cuts += other.cuts;
        self.stops += other.stops;
        self.silences += other.silences;
        self.returns += other.returns;
        self.restarts += other.restarts;
        self.restarts_elsewhere += other.restarts_elsewhere;
        self.overlaps += other.overlaps;
        self.refused += other.refused;
        self.unreachable += other.unreachable;
        self.lost += other.lost;
        self.compared += other.compared;
    }
}
