//! What happened in the schedules.

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

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            workers: self.workers + other.workers,
            orders: self.orders + other.orders,
            heard: self.heard + other.heard,
            hosts_lost: self.hosts_lost + other.hosts_lost,
            roads_lost: self.roads_lost + other.roads_lost,
            cuts: self.cuts + other.cuts,
            stops: self.stops + other.stops,
            silences: self.silences + other.silences,
            returns: self.returns + other.returns,
            restarts: self.restarts + other.restarts,
            restarts_elsewhere: self.restarts_elsewhere + other.restarts_elsewhere,
            overlaps: self.overlaps + other.overlaps,
            refused: self.refused + other.refused,
            unreachable: self.unreachable + other.unreachable,
            lost: self.lost + other.lost,
            compared: self.compared + other.compared,
        }
    }
}
