//! Rounds that determine which removals all stores have, so that their tombstones can be removed (M10).
//!
//! The uppermost store that shares a reacton sends a mark with its clock down the tree. A store answers when the stores
//! below it have answered. Links deliver in order, and a store that has received a mark writes with larger clocks. So
//! nothing older arrives from below after the answers. Everything that has arrived is forwarded before the sweep is
//! sent, so nothing older arrives from above either.

use std::collections::{BTreeMap, BTreeSet};

use reacton_core::RefId;

use super::{LinkId, Sync};

/// The rounds of one store.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    current: Option<Round>,
    /// A mark that arrived during another round.
    waiting: Option<(LinkId, u64)>,
    /// The clock of the last sweep of each reacton.
    swept: BTreeMap<RefId, u64>,
    /// After a round in which a reacton was paused: the number of its removals from which on another round is worth its
    /// cost.
    worth: BTreeMap<RefId, usize>,
}

#[derive(Debug)]
struct Round {
    clock: u64,
    /// The links below that have not answered.
    unanswered: BTreeSet<LinkId>,
    paused: BTreeSet<RefId>,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// The round began in this store, for these reactons.
    Own(BTreeSet<RefId>),
    /// The store above this link waits for an answer.
    Answer(LinkId),
}

/// The next action of a store in a round.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RoundStep {
    Nothing,
    /// Send the mark to these links.
    Mark {
        clock: u64,
        to: Vec<LinkId>,
    },
    /// Answer the link above.
    Answer {
        to: LinkId,
        mark: u64,
        clock: u64,
        paused: Vec<RefId>,
    },
    /// Remove the tombstones up to the clock, except those of `kept`, and send `Sweep` to all links below.
    Sweep {
        clock: u64,
        ids: Vec<RefId>,
        kept: Vec<RefId>,
    },
}

/// This number of removals is never swept.
const SPARE: usize = 256;

impl Sync {
    /// Whether this number of removals, compared with the number of entries, is worth a round. Called in the uppermost
    /// store that shares `id`.
    pub(crate) fn is_worth_a_round(&self, id: RefId, removals: usize, entries: usize) -> bool {
        let worth = self.rounds.worth.get(&id).copied().unwrap_or(0);
        removals > (SPARE + entries / 2).max(worth) && self.rounds.current.is_none()
    }

    /// Begins a round for the reactons of which this store is the uppermost. `below` has all links to workers that
    /// share a collection.
    pub(crate) fn begin_round(
        &mut self,
        ids: impl IntoIterator<Item = RefId>,
        below: &[LinkId],
    ) -> RoundStep {
        if self.rounds.current.is_some() {
            return RoundStep::Nothing;
        }
        let purpose = Purpose::Own(ids.into_iter().collect());
        self.open_round(self.clock, purpose, below)
    }

    /// Called when a mark has arrived from above.
    pub(crate) fn mark(&mut self, from: LinkId, clock: u64, below: &[LinkId]) -> RoundStep {
        if self.rounds.current.is_some() {
            self.rounds.waiting = Some((from, clock));
            return RoundStep::Nothing;
        }
        self.open_round(clock, Purpose::Answer(from), below)
    }

    fn open_round(&mut self, clock: u64, purpose: Purpose, below: &[LinkId]) -> RoundStep {
        let unanswered = below.iter().copied().collect();
        let round = Round { clock, unanswered, paused: BTreeSet::new(), purpose };
        self.rounds.current = Some(round);
        RoundStep::Mark { clock, to: below.to_vec() }
    }

    /// Whether a round is running, or a mark waits for its end.
    pub(crate) fn has_round(&self) -> bool {
        self.rounds.current.is_some() || self.rounds.waiting.is_some()
    }

    /// Called when a link below has answered.
    pub(crate) fn marked(&mut self, from: LinkId, mark: u64, paused: Vec<RefId>) {
        if let Some(round) = &mut self.rounds.current
            && round.clock == mark
            && round.unanswered.remove(&from)
        {
            round.paused.extend(paused);
        }
    }

    /// Called when a link has ended: its answer is not awaited.
    pub(super) fn leave_round(&mut self, link: LinkId) {
        if let Some(round) = &mut self.rounds.current {
            round.unanswered.remove(&link);
            if matches!(round.purpose, Purpose::Answer(above) if above == link) {
                self.rounds.current = None;
            }
        }
        self.rounds.waiting.take_if(|(from, _)| *from == link);
    }

    /// Returns the next step if all links below have answered. Call it until it returns `Nothing`.
    pub(crate) fn next_of_round(&mut self, below: &[LinkId]) -> RoundStep {
        let is_over = |round: &mut Round| round.unanswered.is_empty();
        let Some(mut round) = self.rounds.current.take_if(is_over) else {
            return match self.rounds.waiting.take_if(|_| self.rounds.current.is_none()) {
                Some((from, clock)) => self.mark(from, clock, below),
                None => RoundStep::Nothing,
            };
        };
        round.paused.extend(self.paused());
        let clock = round.clock;
        match round.purpose {
            Purpose::Answer(to) => {
                let paused = round.paused.into_iter().collect();
                RoundStep::Answer { to, mark: clock, clock: self.clock, paused }
            }
            Purpose::Own(ids) => {
                let (kept, ids) = ids.into_iter().partition(|id| round.paused.contains(id));
                RoundStep::Sweep { clock, ids, kept }
            }
        }
    }

    /// Records that the removals of `id` up to this clock were swept.
    pub(crate) fn swept(&mut self, id: RefId, clock: u64) {
        let swept = self.rounds.swept.entry(id).or_default();
        *swept = clock.max(*swept);
    }

    /// The clock up to which removals of `id` were swept, if they ever were.
    pub(crate) fn swept_clock(&self, id: RefId) -> Option<u64> {
        self.rounds.swept.get(&id).copied()
    }

    /// Records the number of removals that are left after a round of this store. The next round is worth its cost when
    /// there are twice as many.
    pub(crate) fn set_left(&mut self, id: RefId, removals: usize) {
        if removals > SPARE {
            self.rounds.worth.insert(id, 2 * removals);
        } else {
            self.rounds.worth.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Interest;

    const X: RefId = RefId::of("x");
    const Y: RefId = RefId::of("y");
    const UP: LinkId = LinkId(0);
    const ONE: LinkId = LinkId(1);
    const TWO: LinkId = LinkId(2);

    fn sync() -> Sync {
        let all = |id| (id, Interest { peer_subscribed: true, subscribed: true });
        let mut sync = Sync::new(1);
        for link in [UP, ONE, TWO] {
            sync.join(link, [X, Y].map(all).into_iter());
        }
        sync
    }

    #[test]
    fn a_round_waits_for_all_links_below_that_are_open() {
        let mut sync = sync();
        let below = [ONE, TWO];
        assert_eq!(
            sync.begin_round([X, Y], &below),
            RoundStep::Mark { clock: 0, to: vec![ONE, TWO] }
        );
        assert_eq!(sync.begin_round([X], &below), RoundStep::Nothing, "a second round has begun");
        sync.marked(ONE, 7, vec![X]);
        assert_eq!(
            sync.next_of_round(&below),
            RoundStep::Nothing,
            "a mark of another round was counted"
        );
        sync.marked(ONE, 0, vec![X]);
        assert_eq!(sync.next_of_round(&below), RoundStep::Nothing);
        sync.leave(TWO);
        let sweep = RoundStep::Sweep { clock: 0, ids: vec![Y], kept: vec![X] };
        assert_eq!(sync.next_of_round(&[ONE]), sweep);
        assert_eq!(sync.next_of_round(&[ONE]), RoundStep::Nothing);
    }

    #[test]
    fn what_this_store_has_paused_is_in_the_answer() {
        let mut sync = sync();
        sync.pause(UP, Y);
        assert_eq!(sync.raise(UP, 9), Ok(()));
        assert_eq!(sync.mark(UP, 5, &[]), RoundStep::Mark { clock: 5, to: vec![] });
        let answer = RoundStep::Answer { to: UP, mark: 5, clock: 9, paused: vec![Y] };
        assert_eq!(sync.next_of_round(&[]), answer);
    }

    #[test]
    fn a_mark_that_comes_in_the_middle_of_a_round_is_answered_after_it() {
        let mut sync = sync();
        sync.begin_round([X], &[ONE]);
        assert_eq!(sync.mark(UP, 3, &[ONE]), RoundStep::Nothing);
        sync.marked(ONE, 0, Vec::new());
        let sweep = RoundStep::Sweep { clock: 0, ids: vec![X], kept: vec![] };
        assert_eq!(sync.next_of_round(&[ONE]), sweep);
        assert_eq!(sync.next_of_round(&[ONE]), RoundStep::Mark { clock: 3, to: vec![ONE] });
        sync.leave(UP);
        sync.marked(ONE, 3, Vec::new());
        assert_eq!(
            sync.next_of_round(&[ONE]),
            RoundStep::Nothing,
            "the link that began the round is closed"
        );
    }

    #[test]
    fn a_round_that_forgets_nothing_is_not_repeated_at_once() {
        let mut sync = sync();
        assert!(!sync.is_worth_a_round(X, SPARE, 0) && sync.is_worth_a_round(X, SPARE + 1, 0));
        assert!(!sync.is_worth_a_round(X, SPARE + 1, 2));
        sync.set_left(X, 300);
        assert!(!sync.is_worth_a_round(X, 600, 0) && sync.is_worth_a_round(X, 601, 0));
        sync.set_left(X, 0);
        assert!(sync.is_worth_a_round(X, 300, 0));
    }
}
