//! What happened in the schedules.

use std::ops::AddAssign;

use crate::hosts::Disturbed;

/// Counts of what happened in a run.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) steps: u64,
    pub(super) workers: u64,
    pub(super) orders: u64,
    pub(super) heard: u64,
    pub(super) disturbed: Disturbed,
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
        self.disturbed += other.disturbed;
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
