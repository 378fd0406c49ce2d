//! Determines how often a worker is restarted: a sliding window over the time for which its workers ran. No other clock
//! is used.

use std::collections::VecDeque;
use std::time::Duration;

/// The policy after a panic of a worker.
///
/// A worker that returns an error is never restarted: the error means that it cannot continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// No restart: the status stays [`Failed`](crate::IsolateStatus::Failed).
    #[default]
    Never,
    /// A new worker starts, from main's current values.
    OnPanic {
        /// The largest number of restarts in any period of `within`. After one more panic the status stays `Failed`.
        max: u32,
        /// The window. Only the time for which workers ran counts, so neither slow turns of main nor long waits allow
        /// more restarts.
        within: Duration,
        /// How long the first restart waits. Each further one waits twice as long as the one before, up to
        /// [`max_backoff`](crate::IsolateBuilder::max_backoff).
        ///
        /// The wait is this value again after a worker that applied a transaction and called all of its observers, or
        /// that ran for the whole window. Otherwise the waits after the first one are at least 2 ms, 4 ms and so on up
        /// to 10 ms, even if this value is zero.
        backoff: Duration,
    },
}

impl Restart {
    /// Returns a policy of at most `max` restarts within any minute. The first one waits 10 ms.
    ///
    /// ```
    /// # use reacton_isolate::Restart;
    /// # use std::time::Duration;
    /// let within = Duration::from_secs(60);
    /// let backoff = Duration::from_millis(10);
    /// assert_eq!(Restart::on_panic(5), Restart::OnPanic { max: 5, within, backoff });
    /// ```
    #[must_use]
    pub const fn on_panic(max: u32) -> Self {
        Self::OnPanic { max, within: Duration::from_secs(60), backoff: Duration::from_millis(10) }
    }
}

/// The longest wait by default.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// The least wait after a worker that did nothing. It is doubled for each further such worker in a row ..
const LEAST_BACKOFF: Duration = Duration::from_millis(1);

/// .. up to this: about a hundred restarts a second.
const MAX_LEAST_BACKOFF: Duration = Duration::from_millis(10);

/// A worker that ran for this long did something, even if the window is shorter.
const MIN_WITHIN: Duration = Duration::from_secs(1);

/// One restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Its number among the restarts in the window, from 1.
    pub(crate) number: u32,
    /// How long to wait before this restart.
    pub(crate) wait: Duration,
}

/// The recent restarts of one isolate.
#[derive(Debug)]
pub(crate) struct Restarts {
    policy: Restart,
    /// The total time for which the isolate's workers have run.
    ran: Duration,
    /// When the restarts in the window were, on the clock of `ran`.
    recent: VecDeque<Duration>,
    /// How many workers in a row panicked without having done anything.
    fruitless: u32,
    max_backoff: Duration,
}

impl Restarts {
    pub(crate) fn new(policy: Restart, max_backoff: Duration) -> Self {
        let (ran, recent) = (Duration::ZERO, VecDeque::new());
        Self { policy, ran, recent, fruitless: 0, max_backoff }
    }

    /// Called when a worker has panicked. `ran` is how long it ran, and `worked` whether it had finished some work.
    /// Returns the restart to make; `None` if the limit is reached.
    pub(crate) fn next(&mut self, ran: Duration, worked: bool) -> Option<Attempt> {
        let Restart::OnPanic { max, within, backoff } = self.policy else { return None };
        self.ran = self.ran.saturating_add(ran);
        while self.recent.front().is_some_and(|at| self.ran.saturating_sub(*at) >= within) {
            self.recent.pop_front();
        }
        let number = u32::try_from(self.recent.len()).unwrap_or(u32::MAX).saturating_add(1);
        if number > max {
            return None;
        }
        self.recent.push_back(self.ran);
        if worked || ran >= within.max(MIN_WITHIN) {
            self.fruitless = 0;
        }
        let factor = 1_u32.checked_shl(self.fruitless).unwrap_or(u32::MAX);
        let doubled = backoff.saturating_mul(factor).min(self.max_backoff.max(backoff));
        let least = match self.fruitless {
            0 => Duration::ZERO,
            _ => LEAST_BACKOFF.saturating_mul(factor).min(MAX_LEAST_BACKOFF),
        };
        let wait = doubled.max(least);
        self.fruitless = self.fruitless.saturating_add(1);
        Some(Attempt { number, wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::random::Random;

    const BACKOFF: Duration = Duration::from_millis(10);

    fn restarts(max: u32, seconds: u64) -> Restarts {
        let within = Duration::from_secs(seconds);
        Restarts::new(Restart::OnPanic { max, within, backoff: BACKOFF }, MAX_BACKOFF)
    }

    fn waits(policy: Restart, max_backoff: Duration, count: usize) -> Vec<u128> {
        let mut restarts = Restarts::new(policy, max_backoff);
        let waits = std::iter::from_fn(|| restarts.next(Duration::ZERO, false));
        waits.take(count).map(|attempt| attempt.wait.as_millis()).collect()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn l3_a_worker_that_panics_at_once_runs_out_of_restarts_whatever_the_backoff() {
        let mut restarts = restarts(3, 1);
        let waits: Vec<_> = std::iter::from_fn(|| restarts.next(Duration::ZERO, false)).collect();
        let doubled = [(1, 10), (2, 20), (3, 40)]
            .map(|(number, wait)| Attempt { number, wait: Duration::from_millis(wait) });
        assert_eq!(waits, doubled);
        assert_eq!(restarts.next(Duration::ZERO, false), None, "no restart is left");
    }

    #[test]
    fn l3_a_worker_that_starts_well_each_time_runs_out_too() {
        let mut restarts = restarts(3, 10);
        for number in 1..=3 {
            assert_eq!(
                restarts.next(seconds(3), false).map(|attempt| attempt.number),
                Some(number)
            );
        }
        assert_eq!(restarts.next(seconds(3), false), None);
    }

    #[test]
    fn l3_restarts_before_the_window_do_not_count_and_the_backoff_begins_anew() {
        let mut restarts = restarts(1, 10);
        let first = Some(Attempt { number: 1, wait: BACKOFF });
        for _ in 0..100 {
            assert_eq!(restarts.next(seconds(10), false), first);
        }
        assert_eq!(restarts.next(seconds(9), false), None);
    }

    #[test]
    fn l3_no_wait_is_longer_than_the_longest() {
        let backoff = Duration::from_millis(300);
        let policy = Restart::OnPanic { max: u32::MAX, within: Duration::MAX, backoff };
        assert_eq!(waits(policy, MAX_BACKOFF, 5), [300, 600, 1000, 1000, 1000]);
        assert_eq!(waits(policy, seconds(2), 6), [300, 600, 1200, 2000, 2000, 2000]);
        // If the first wait is longer than that, all waits are as long as the first.
        assert_eq!(waits(policy, Duration::from_millis(20), 3), [300, 300, 300]);
        assert_eq!(waits(policy, Duration::ZERO, 3), [300, 300, 300]);
    }

    #[test]
    fn l3_a_worker_that_did_something_begins_again_with_the_first_wait() {
        let mut restarts = restarts(1000, 3600);
        let mut wait = |worked| restarts.next(Duration::ZERO, worked).map(|attempt| attempt.wait);
        for _ in 0..3 {
            assert_eq!(wait(true), Some(BACKOFF));
            assert_eq!(wait(false), Some(2 * BACKOFF));
            assert_eq!(wait(false), Some(4 * BACKOFF));
        }
    }

    #[test]
    fn l3_no_policy_restarts_a_worker_that_does_nothing_thousands_of_times_a_second() {
        for within in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let policy = Restart::OnPanic { max: u32::MAX, within, backoff: Duration::ZERO };
            assert_eq!(waits(policy, MAX_BACKOFF, 12)[..4], [0, 2, 4, 8]);
            assert_eq!(waits(policy, MAX_BACKOFF, 9)[4..], [10, 10, 10, 10, 10]);
        }
    }

    #[test]
    fn l3_in_no_window_are_there_more_than_the_maximum() {
        for seed in 0..1000 {
            let random = Random::new(seed);
            let max = u32::try_from(random.below(5)).unwrap_or(0);
            let mut restarts = restarts(max, 10);
            let (mut now, mut at) = (0, Vec::new());
            for _ in 0..100 {
                let ran = random.below(6) as u64;
                now += ran;
                let before = at.iter().filter(|at| now - **at < 10).count();
                let attempt = restarts.next(seconds(ran), false);
                assert_eq!(attempt.is_some(), before < max as usize, "seed {seed}");
                if let Some(attempt) = attempt {
                    assert_eq!(attempt.number as usize, before + 1, "seed {seed}");
                    at.push(now);
                }
            }
        }
    }

    #[test]
    fn l3_no_numbers_overflow() {
        let policy = Restart::OnPanic { max: u32::MAX, within: Duration::MAX, backoff: BACKOFF };
        let mut restarts = Restarts::new(policy, Duration::MAX);
        for number in 1..100 {
            let attempt = restarts.next(Duration::MAX / 2, false).expect("a restart is allowed");
            assert!(attempt.number == number && attempt.wait >= BACKOFF);
        }
        assert_eq!(Restarts::new(Restart::Never, MAX_BACKOFF).next(Duration::ZERO, true), None);
    }
}
