//! The random numbers of a schedule: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number
//! generators", 2014).
//!
//! The generator is our own, so that a seed means the same schedule with every version of every dependency. Each choice
//! is recorded, so that a schedule can be repeated without its seed, and without some of its choices.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::IntoIter;

/// Behind a lock, though only one thread of a simulation runs at a time.
#[derive(Debug)]
pub(crate) struct Random(Mutex<State>);

#[derive(Debug)]
struct State {
    seed: u64,
    /// Choices to repeat instead of those of the seed. After the last one, each choice is 0.
    replayed: Option<IntoIter<usize>>,
    /// The choices made so far in LEB128: a long simulation makes many millions, most of them small.
    made: Vec<u8>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(State { seed, replayed: None, made: Vec::new() }))
    }

    pub(crate) fn replay(choices: Vec<usize>) -> Self {
        let replayed = Some(choices.into_iter());
        Self(Mutex::new(State { seed: 0, replayed, made: Vec::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn made(&self) -> Vec<usize> {
        let state = self.state();
        let bytes = state.made.split_inclusive(|byte| byte & MORE == 0);
        let low = |byte: &u8| usize::from(byte & !MORE);
        bytes.map(|bytes| bytes.iter().rev().fold(0, |read, byte| read << 7 | low(byte))).collect()
    }

    /// Returns a number below `limit`; 0 if `limit` is 0.
    pub(crate) fn below(&self, limit: usize) -> usize {
        let mut state = self.state();
        let choice = match &mut state.replayed {
            Some(choices) => choices.next().unwrap_or(0).min(limit.saturating_sub(1)),
            None => state.random_below(limit),
        };
        state.record(choice);
        choice
    }

    /// Returns true once in `cases` calls on average. Recorded as 0 or 1, so that 0 is the usual case.
    pub(crate) fn one_in(&self, cases: usize) -> bool {
        let mut state = self.state();
        let hit = match &mut state.replayed {
            Some(choices) => choices.next().unwrap_or(0) > 0,
            None => state.random_below(cases) == 0,
        };
        state.record(usize::from(hit));
        hit
    }
}

/// The bit of a byte that says that more bytes of the same choice follow.
const MORE: u8 = 0x80;

impl State {
    #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
    fn record(&mut self, mut choice: usize) {
        while choice >= usize::from(MORE) {
            self.made.push(choice as u8 | MORE);
            choice >>= 7;
        }
        self.made.push(choice as u8);
    }

    #[expect(clippy::cast_possible_truncation, reason = "the result is below a usize")]
    fn random_below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    fn next(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_of_any_size_are_replayed() {
        let choices = vec![0, 1, 127, 128, 0, 16_383, 16_384, usize::MAX - 1, 5];
        let random = Random::replay(choices.clone());
        for choice in &choices {
            assert_eq!(random.below(usize::MAX), *choice);
        }
        assert_eq!(random.made(), choices);
    }

    #[test]
    fn a_choice_takes_a_byte() {
        let random = Random::new(1);
        (0..1000).for_each(|_| _ = random.below(20));
        assert_eq!((random.made().len(), random.state().made.len()), (1000, 1000));
    }
}
