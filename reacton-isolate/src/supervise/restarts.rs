//! How often a worker is started again: a sliding window over the time for which it ran. No clock but that.

use std::collections::VecDeque;
use std::time::Duration;

/// What becomes of a worker that panicked.
///
/// A worker that returns an error has said that it cannot go on: it is never started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// It stays [`Failed`](crate::IsolateStatus::Failed).
    #[default]
    Never,
    /// A new one is started, from the values that main holds then.
    OnPanic {
        /// How many restarts there are in any `within`. One more panic fails for good.
        max: u32,
        /// The window. Only time for which the worker ran counts: neither slow turns of main nor long waits give a
        /// worker that dies at once more tries.
        within: Duration,
        /// How long the first restart in a window waits. Each further one waits twice as long as the one before.
        backoff: Duration,
    },
}

/// One more try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Which of those in the window it is, from 1.
    pub(crate) number: u32,
    /// How long to wait before it.
    pub(crate) wait: Duration,
}

/// The restarts of one isolate.
#[derive(Debug)]
pub(crate) struct Restarts {
    policy: Restart,
    /// For how long its workers have run, all together.
    ran: Duration,
    /// When the restarts in the window were, in that time.
    recent: VecDeque<Duration>,
}

impl Restarts {
    pub(crate) fn new(policy: Restart) -> Self {
        Self { policy, ran: Duration::ZERO, recent: VecDeque::new() }
    }

    /// A worker has panicked after it `ran` for so long. `None` if that was once too often.
    pub(crate) fn next(&mut self, ran: Duration) -> Option<Attempt> {
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
        let wait = backoff.saturating_mul(1_u32.checked_shl(number - 1).unwrap_or(u32::MAX));
        Some(Attempt { number, wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    const BACKOFF: Duration = Duration::from_millis(10);

    fn restarts(max: u32, seconds: u64) -> Restarts {
        let within = Duration::from_secs(seconds);
        Restarts::new(Restart::OnPanic { max, within, backoff: BACKOFF })
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn l3_a_worker_that_dies_at_once_runs_out_whatever_it_waits() {
        let mut restarts = restarts(3, 1);
        let waits: Vec<_> = std::iter::from_fn(|| restarts.next(Duration::ZERO)).collect();
        let doubled = [(1, 10), (2, 20), (3, 40)]
            .map(|(number, wait)| Attempt { number, wait: Duration::from_millis(wait) });
        assert_eq!(waits, doubled);
        assert_eq!(restarts.next(Duration::ZERO), None, "and stays out");
    }

    #[test]
    fn l3_a_worker_that_starts_well_each_time_runs_out_too() {
        let mut restarts = restarts(3, 10);
        for number in 1..=3 {
            assert_eq!(restarts.next(seconds(3)).map(|attempt| attempt.number), Some(number));
        }
        assert_eq!(restarts.next(seconds(3)), None);
    }

    #[test]
    fn l3_what_lies_behind_the_window_is_forgiven_and_the_waits_begin_anew() {
        let mut restarts = restarts(1, 10);
        let first = Some(Attempt { number: 1, wait: BACKOFF });
        for _ in 0..100 {
            assert_eq!(restarts.next(seconds(10)), first);
        }
        assert_eq!(restarts.next(seconds(9)), None);
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
                let attempt = restarts.next(seconds(ran));
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
        let mut restarts = Restarts::new(policy);
        for number in 1..100 {
            let attempt = restarts.next(Duration::MAX / 2).expect("it never runs out");
            assert!(attempt.number == number && attempt.wait >= BACKOFF);
        }
        assert_eq!(Restarts::new(Restart::Never).next(Duration::ZERO), None);
    }
}
