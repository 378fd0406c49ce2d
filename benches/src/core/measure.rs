//! Measures one workload with one library: checks it, times it, and checks it again.

use std::time::{Duration, Instant};

use super::probe::{Runs, take_runs};
use crate::figures::{middle, per_one};

/// How many writes are checked one by one before any is timed.
const CHECKED: u64 = 24;

/// A sample consists of as many writes as take at least this long, so that the time for reading the clock does not
/// matter.
const SAMPLE: Duration = Duration::from_millis(1);

/// The least total time of all samples, and their least number.
const SAMPLED: Duration = Duration::from_millis(250);
const SAMPLES: usize = 7;

/// The result of a measurement.
pub(super) enum Outcome {
    /// Nanoseconds for one write and everything that follows from it.
    Time {
        nanos: f64,
        extra_runs: bool,
    },
    Bytes(f64),
    /// An observer ran more than once, so it saw a value that was not final.
    Glitch(String),
    /// A final value is wrong, or an observer was not called.
    Wrong(String),
    /// The library does not have this.
    Absent,
}

/// A workload that is ready to be measured.
pub(super) struct Prepared {
    /// Does this many writes, and continues with the values where the last call ended.
    pub(super) run: Box<dyn FnMut(u64)>,
    /// Returns what the effects saw last, or what reads return, ..
    pub(super) seen: Box<dyn Fn() -> Vec<i64>>,
    /// .. and returns what that must be after the write with this number. The first write is number 1.
    pub(super) wanted: Box<dyn Fn(u64) -> Vec<i64>>,
    /// How many runs each write requires. More runs are unnecessary.
    pub(super) runs: Runs,
}

impl Prepared {
    /// Checks, times, and checks again. Returns the result.
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

    /// Returns whether computeds ran more often than necessary, though the result was right.
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

/// Returns the median time of one write. `sample` measures as many writes as its argument says.
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

/// Returns the median of samples that each make `count` things in a new world. Making the world is not timed.
pub(super) fn median_fresh(count: u64, mut sample: impl FnMut() -> Duration) -> f64 {
    // A fixed number of samples, because not every library frees memory. The first half is dropped, because a processor
    // needs some milliseconds to reach its full speed.
    let nanos = (0..5000).map(|_| per_one(sample(), count)).skip(2500).collect();
    middle(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::probe::{Sinks, computed_ran};

    /// An effect that runs `times` times for each write, and sees the number of the write plus `off`.
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
            wanted: Box::new(|write| vec![i64::try_from(write).expect("the number fits")]),
            runs: Runs::of(1, 1),
        }
    }

    #[test]
    fn faults_are_distinguished() {
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
