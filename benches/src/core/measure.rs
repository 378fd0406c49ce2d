//! A workload in one library: first checked, then timed, then checked again.

use std::time::{Duration, Instant};

use super::probe::{Runs, take_runs};
use crate::figures::{middle, per_one};

/// Writes that are checked one by one before any is timed.
const CHECKED: u64 = 24;

/// A sample is as many writes as take at least this long, so that reading the clock does not count.
const SAMPLE: Duration = Duration::from_millis(1);

/// Sampled at least this long, with at least so many samples.
const SAMPLED: Duration = Duration::from_millis(250);
const SAMPLES: usize = 7;

/// What came out.
pub(super) enum Outcome {
    /// Nanoseconds a write, everything that follows from it included.
    Time {
        nanos: f64,
        extra_runs: bool,
    },
    Bytes(f64),
    /// An observer ran more often than once, so it saw something that was not final.
    Glitch(String),
    /// A final value is wrong, or somebody was not told.
    Wrong(String),
    /// The library has no such thing.
    Absent,
}

/// A workload, built and ready.
pub(super) struct Prepared {
    /// Does this many writes, going on with the value where the last call left off.
    pub(super) run: Box<dyn FnMut(u64)>,
    /// What the effects saw last, or what reads give, ..
    pub(super) seen: Box<dyn Fn() -> Vec<i64>>,
    /// .. and what that has to be after the write of this number; the first one is 1.
    pub(super) wanted: Box<dyn Fn(u64) -> Vec<i64>>,
    /// Runs that each write asks for, and no more.
    pub(super) runs: Runs,
}

impl Prepared {
    /// Checks, times, and checks again.
    pub(super) fn measure(mut self) -> Outcome {
        take_runs();
        let extra_runs = match self.check() {
            Ok(extra_runs) => extra_runs,
            Err(outcome) => return outcome,
        };
        let mut done = CHECKED;
        let nanos = median(|writes| {
            done += writes;
            let begin = Instant::now();
            (self.run)(writes);
            begin.elapsed()
        });
        let effects = (done - CHECKED) * self.runs.effects;
        let ran = take_runs().effects;
        if (self.seen)() != (self.wanted)(done) || ran != effects {
            return Outcome::Wrong(format!("while it was timed: {ran} effects ran, not {effects}"));
        }
        Outcome::Time { nanos, extra_runs }
    }

    /// Whether computeds ran more often than they had to, with the right result.
    fn check(&mut self) -> Result<bool, Outcome> {
        let mut extra_runs = false;
        for write in 1..=CHECKED {
            (self.run)(1);
            let (seen, wanted) = ((self.seen)(), (self.wanted)(write));
            let (ran, runs) = (take_runs(), self.runs);
            if seen != wanted {
                let first = seen.iter().zip(&wanted).find(|(seen, wanted)| seen != wanted);
                return Err(Outcome::Wrong(format!("write {write}: (seen, wanted) {first:?}")));
            }
            let tale = format!("write {write}: {ran:?} instead of {runs:?}");
            if ran.effects > runs.effects {
                return Err(Outcome::Glitch(tale));
            }
            if ran.effects < runs.effects || ran.computeds < runs.computeds {
                return Err(Outcome::Wrong(tale));
            }
            extra_runs |= ran.computeds > runs.computeds;
        }
        Ok(extra_runs)
    }
}

/// The median time of one, of samples that `sample` takes of as many as it is told.
fn median(mut sample: impl FnMut(u64) -> Duration) -> f64 {
    let mut count = 1;
    while sample(count) < SAMPLE {
        count *= 2;
    }
    let mut nanos = Vec::new();
    let mut spent = Duration::ZERO;
    while spent < SAMPLED || nanos.len() < SAMPLES {
        let took = sample(count);
        spent += took;
        nanos.push(per_one(took, count));
    }
    middle(nanos)
}

/// The median of samples that each make `count` things in a world of their own; the world is not timed.
pub(super) fn median_fresh(count: u64, mut sample: impl FnMut() -> Duration) -> f64 {
    // Not as long as it takes, because not every library frees memory; but a processor needs some milliseconds
    // to come up to speed.
    let nanos = (0..5000).map(|_| per_one(sample(), count)).skip(2500).collect();
    middle(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::probe::{Sinks, computed_ran};

    /// An effect that runs `times` a write and sees the number of the write plus `off`.
    fn effect_that(times: usize, off: i64) -> Prepared {
        let (sinks, mut written) = (Sinks::new(1), 0);
        let seen = sinks.clone();
        Prepared {
            run: Box::new(move |writes| {
                for _ in 0..writes {
                    written += 1;
                    computed_ran();
                    (0..times).for_each(|_| sinks.put(0, written + off));
                }
            }),
            seen: Box::new(move || seen.seen()),
            wanted: Box::new(|write| vec![i64::try_from(write).expect("few are written")]),
            runs: Runs::of(1, 1),
        }
    }

    #[test]
    fn faults_are_told_apart() {
        assert!(matches!(effect_that(1, 0).measure(), Outcome::Time { extra_runs: false, .. }));
        assert!(matches!(effect_that(2, 0).measure(), Outcome::Glitch(_)));
        assert!(matches!(effect_that(0, 0).measure(), Outcome::Wrong(_)));
        assert!(matches!(effect_that(1, 1).measure(), Outcome::Wrong(_)));
    }

    #[test]
    fn a_computed_that_runs_too_often_is_noted() {
        let mut prepared = effect_that(1, 0);
        prepared.runs = Runs::of(0, 1);
        assert!(matches!(prepared.measure(), Outcome::Time { extra_runs: true, .. }));
    }
}
