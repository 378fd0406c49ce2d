//! The numbers of a schedule: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
//!
//! Our own, so that a seed means the same schedule in every version of every dependency. Each choice is recorded, so that the
//! schedule can be repeated without the seed, and without some of its choices.

use std::cell::{Cell, RefCell};
use std::vec::IntoIter;

#[derive(Debug)]
pub(crate) struct Random {
    state: Cell<u64>,
    /// Choices to make instead of those of the seed; after the last of them, each is 0.
    replayed: Option<RefCell<IntoIter<usize>>>,
    /// The choices made so far.
    made: RefCell<Vec<usize>>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: Cell::new(seed), replayed: None, made: RefCell::default() }
    }

    pub(crate) fn replay(choices: Vec<usize>) -> Self {
        Self { replayed: Some(RefCell::new(choices.into_iter())), ..Self::new(0) }
    }

    pub(crate) fn made(&self) -> Vec<usize> {
        self.made.borrow().clone()
    }

    /// Below `limit`; 0 if that is 0.
    pub(crate) fn below(&self, limit: usize) -> usize {
        let choice = match &self.replayed {
            Some(choices) => choices.borrow_mut().next().unwrap_or(0).min(limit.saturating_sub(1)),
            None => self.random_below(limit),
        };
        self.made.borrow_mut().push(choice);
        choice
    }

    /// True in one of so many cases; recorded as 0 or 1, so that 0 is what happens mostly.
    pub(crate) fn one_in(&self, cases: usize) -> bool {
        let hit = match &self.replayed {
            Some(choices) => choices.borrow_mut().next().unwrap_or(0) > 0,
            None => self.random_below(cases) == 0,
        };
        self.made.borrow_mut().push(usize::from(hit));
        hit
    }

    #[expect(clippy::cast_possible_truncation, reason = "the result is below a usize")]
    fn random_below(&self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    fn next(&self) -> u64 {
        let state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
