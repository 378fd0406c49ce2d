//! The spin before a sleep: what comes soon is there without waking anybody.

use std::cell::Cell;
use std::hint;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

/// How long to look between yields that nobody makes use of. A yield takes a third of a microsecond.
const ALONE: Duration = Duration::from_nanos(1500);

/// How long not to look at first.
const SETTLE: Duration = Duration::from_nanos(150);

/// A yield that takes so long has let another thread run.
const USED: Duration = Duration::from_nanos(700);

/// Waking a sleeping thread costs tens of microseconds; a thread that yields in a loop is there at once.
///
/// It is there sooner if it looks often, but not where whoever is to send waits for this very core: so it looks often
/// only after a yield that nobody made use of. And it does not look at once: an answer takes longer, and in a flood more
/// than one message comes meanwhile, so that the two threads do not wait for each other at each.
pub(super) struct Spin {
    time: Cell<Duration>,
    /// The last yield came back at once: nobody waits for this core.
    alone: Cell<bool>,
}

impl Default for Spin {
    fn default() -> Self {
        Self { time: Cell::new(default_time()), alone: Cell::new(false) }
    }
}

impl Spin {
    /// Zero turns it off.
    pub(super) fn set_time(&self, time: Duration) {
        self.time.set(time);
    }

    /// Spins, yielding, until something has arrived, the time has passed, or it is `deadline`. Gives whether it has arrived.
    pub(super) fn until(&self, deadline: Option<Instant>, has_arrived: impl Fn() -> bool) -> bool {
        let time = self.time.get();
        if time.is_zero() {
            return false;
        }
        let begin = Instant::now();
        let left = deadline.map_or(time, |deadline| deadline.saturating_duration_since(begin));
        let time = time.min(left);
        let (mut now, mut next_yield) = (begin, begin);
        if self.alone.get() {
            next_yield += ALONE;
            while now.duration_since(begin) < SETTLE {
                hint::spin_loop();
                now = Instant::now();
            }
        }
        loop {
            if has_arrived() {
                return true;
            }
            if now.duration_since(begin) >= time {
                return false;
            }
            if now < next_yield {
                hint::spin_loop();
                now = Instant::now();
            } else {
                thread::yield_now();
                let back = Instant::now();
                self.alone.set(back.duration_since(now) < USED);
                now = back;
                next_yield = if self.alone.get() { back + ALONE } else { back };
            }
        }
    }
}

fn default_time() -> Duration {
    // Asked once: the answer takes reading a dozen files of the system.
    static TIME: LazyLock<Duration> = LazyLock::new(|| match thread::available_parallelism() {
        Ok(cores) if cores.get() > 1 => Duration::from_micros(20),
        _ => Duration::ZERO,
    });
    *TIME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen_and_what_is_not_is_given_up() {
        let spin = Spin::default();
        spin.set_time(Duration::from_micros(5));
        assert!(spin.until(None, || true));
        assert!(!spin.until(None, || false));
        let looks = Cell::new(0);
        let third = || {
            looks.set(looks.get() + 1);
            looks.get() == 3
        };
        spin.set_time(Duration::MAX);
        assert!(spin.until(None, third) && looks.get() == 3);
        // For ever, but for the deadline; and it looks at least once.
        assert!(!spin.until(Some(Instant::now() + Duration::from_micros(5)), || false));
        assert!(spin.until(Some(Instant::now()), || true));
    }

    #[test]
    fn a_spin_of_no_time_does_not_even_look() {
        let spin = Spin::default();
        spin.set_time(Duration::ZERO);
        assert!(!spin.until(None, || panic!("it looked")));
    }
}
