//! Which of several machines starts a worker, how many workers one runs, and whether it is heard. Without I/O, because the
//! simulation takes the same decisions as the extension `reacton-net`.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use crate::error::Refusal;

/// What a client knows of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// It was heard lately.
    pub heard: bool,
    /// How many workers run there.
    pub running: usize,
    /// How many may run there.
    pub capacity: usize,
}

/// The search for a machine that starts a worker: each is asked once, those first that use the least of their capacity.
#[derive(Debug)]
pub struct Search {
    /// The machines that were not asked yet, the next one last.
    left: Vec<usize>,
    refused: Option<(usize, Refusal)>,
}

impl Search {
    /// Begins a search among these machines.
    pub fn new(loads: impl IntoIterator<Item = Load>) -> Self {
        let loads: Vec<_> = loads.into_iter().collect();
        let mut left: Vec<_> = (0..loads.len()).collect();
        // In parts of a million, since it is to be compared exactly. Of equal ones, the first is asked first.
        left.sort_by_key(|machine| {
            let Load { heard, running, capacity } = loads[*machine];
            let used = running.saturating_mul(1_000_000) / capacity.max(1);
            Reverse((!heard, used, *machine))
        });
        Self { left, refused: None }
    }

    /// Returns the machine to ask next, by its number; `None` if all were asked.
    pub fn ask_next(&mut self) -> Option<usize> {
        self.left.pop()
    }

    /// Records that a machine does not start the worker.
    pub fn refuse(&mut self, machine: usize, why: Refusal) {
        self.refused.get_or_insert((machine, why));
    }

    /// Called when all were asked, and none has started the worker. Returns the refusal to report. `None` if the search
    /// begins again when something has changed: no machine could be asked, or another one is still to be tried.
    pub fn refused(self, is_trying: bool) -> Option<(usize, Refusal)> {
        self.refused.filter(|_| !is_trying)
    }
}

/// How many workers a machine runs.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// Of all clients.
    pub capacity: usize,
    /// Of each client.
    pub per_peer: usize,
}

impl Places {
    /// Checks that there is room for one more worker, if so many `running` now, of which `of_peer` are of its client.
    ///
    /// # Errors
    /// If there is no room, or if the machine is about to end.
    pub fn check(self, running: usize, of_peer: usize, is_ending: bool) -> Result<(), Refusal> {
        let Self { capacity, per_peer } = self;
        if is_ending {
            return Err(Refusal::Ending);
        }
        if running >= capacity {
            return Err(Refusal::Full { running, capacity });
        }
        if of_peer >= per_peer {
            return Err(Refusal::Full { running: of_peer, capacity: per_peer });
        }
        Ok(())
    }
}

/// A machine that is silent for this long is shown as disconnected.
const SILENT: Duration = Duration::from_secs(3);

/// Whether the other side of a connection is heard.
#[derive(Debug)]
pub struct Hearing {
    /// How much has arrived.
    arrived: u64,
    heard: Instant,
    looked: Instant,
}

impl Hearing {
    /// How often [`look`](Self::look) is to be called.
    pub const EACH: Duration = Duration::from_millis(250);

    /// Begins to listen.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { arrived: 0, heard: now, looked: now }
    }

    /// Returns whether the other side is silent, if so much has `arrived` from it in all.
    pub fn look(&mut self, now: Instant, arrived: u64) -> bool {
        // If this process did not run for a while, the silence may be its own.
        if arrived != self.arrived || now.duration_since(self.looked) > SILENT / 2 {
            (self.arrived, self.heard) = (arrived, now);
        }
        self.looked = now;
        now.duration_since(self.heard) >= SILENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(running: usize, capacity: usize) -> Load {
        Load { heard: true, running, capacity }
    }

    fn order(loads: impl IntoIterator<Item = Load>) -> Vec<usize> {
        let mut search = Search::new(loads);
        std::iter::from_fn(|| search.ask_next()).collect()
    }

    #[test]
    fn n5_the_host_that_uses_the_least_of_its_capacity_is_asked_first() {
        assert_eq!(order([load(1, 2), load(4, 16), load(0, 1), load(1, 4)]), [2, 1, 3, 0]);
        assert_eq!(order([load(0, 1), load(0, 9), load(0, 4)]), [0, 1, 2]);
        let silent = Load { heard: false, ..load(0, 16) };
        assert_eq!(order([silent, load(3, 4), silent]), [1, 0, 2]);
        assert_eq!(order([load(usize::MAX, 1), load(usize::MAX, 0)]), [0, 1]);
    }

    #[test]
    fn n1_the_first_refusal_is_reported_unless_another_host_may_accept_it() {
        let refused = || {
            let mut search = Search::new([load(0, 1), load(0, 1)]);
            let first = search.ask_next().expect("two hosts are left");
            search.refuse(first, Refusal::full(1, 1));
            search.refuse(search.left[0], Refusal::Ending);
            search
        };
        assert_eq!(refused().refused(false), Some((0, Refusal::full(1, 1))));
        assert_eq!(refused().refused(true), None);
        assert_eq!(Search::new([load(0, 1)]).refused(false), None);
    }

    #[test]
    fn n1_a_host_is_full_at_its_capacity_and_at_that_of_a_peer() {
        let places = Places { capacity: 3, per_peer: 2 };
        assert_eq!(places.check(2, 1, false), Ok(()));
        assert_eq!(places.check(3, 0, false), Err(Refusal::full(3, 3)));
        assert_eq!(places.check(2, 2, false), Err(Refusal::full(2, 2)));
        assert_eq!(places.check(0, 0, true), Err(Refusal::Ending));
    }

    #[test]
    fn n2_a_host_is_silent_after_three_seconds_and_heard_with_the_next_sign_of_it() {
        let begin = Instant::now();
        let mut hearing = Hearing::new(begin);
        let mut looks = (1..).map(|number| begin + number * Hearing::EACH);
        let mut silent_for = |looks_taken: usize, arrived: u64| {
            let looks = looks.by_ref().take(looks_taken);
            looks.map(|now| hearing.look(now, arrived)).collect::<Vec<_>>()
        };
        assert_eq!(silent_for(4, 1), [false; 4]);
        // The last sign was at the first look.
        assert_eq!(silent_for(8, 1), [false; 8]);
        assert_eq!(silent_for(3, 1), [true; 3]);
        assert_eq!(silent_for(1, 2), [false]);
    }

    #[test]
    fn n2_a_process_that_did_not_run_takes_its_own_silence_for_none() {
        let begin = Instant::now();
        let mut hearing = Hearing::new(begin);
        assert!(!hearing.look(begin + Duration::from_secs(60), 0));
        assert!(!hearing.look(begin + Duration::from_secs(61), 0));
    }
}
