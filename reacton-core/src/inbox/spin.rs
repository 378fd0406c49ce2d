//! The spin before a sleep: what arrives soon is seen without a wake-up.

use std::cell::Cell;
use std::hint;
use std::thread;
use std::time::{Duration, Instant};

use super::cores;

/// How long to look between yields that no other thread makes use of: longer than an answer takes, because a yield takes a third of a
/// microsecond and more, and what comes meanwhile is seen afterwards.
const ALONE: Duration = Duration::from_micros(4);

/// How long not to look at first.
const SETTLE: Duration = Duration::from_nanos(150);

/// So often it looks between two readings of the clock, which takes longer than a look.
const LOOKS: u32 = 4;

/// A yield that takes so long has let another thread run.
const USED: Duration = Duration::from_nanos(700);

/// How long to spin by default where the process may use several cores.
const TIME: Duration = Duration::from_micros(20);

/// Waking a sleeping thread costs tens of microseconds; a thread that yields in a loop is there at once.
///
/// It is there sooner if it looks often, but not where the sending thread waits for this very core: so it looks often
/// only after a yield that no thread made use of. And it does not look at once: an answer takes longer, and in a flood more
/// than one message comes meanwhile, so that the two threads do not wait for each other at each.
pub(super) struct Spin {
    /// `None` is the default.
    time: Cell<Option<Duration>>,
    /// The last yield came back at once: no thread waits for this core.
    alone: Cell<bool>,
}

impl Default for Spin {
    fn default() -> Self {
        Self { time: Cell::new(None), alone: Cell::new(false) }
    }
}

impl Spin {
    /// Zero turns it off.
    pub(super) fn set_time(&self, time: Duration) {
        self.time.set(Some(time));
    }

    /// Spins, yielding, until something has arrived, the time has passed, or it is `deadline`. Returns whether it has arrived.
    pub(super) fn until(&self, deadline: Option<Instant>, has_arrived: impl Fn() -> bool) -> bool {
        let chosen = self.time.get();
        if chosen == Some(Duration::ZERO) {
            return false;
        }
        let begin = Instant::now();
        let time = match chosen {
            Some(time) => time,
            None if cores::are_several(begin) => TIME,
            None => return false,
        };
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
                for _ in 0..LOOKS {
                    hint::spin_loop();
                    if has_arrived() {
                        return true;
                    }
                }
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

    /// In a process of its own, in which no other thread has asked before.
    #[test]
    fn the_default_does_not_depend_on_the_thread_that_spins_first() {
        const NAME: &str =
            "inbox::spin::tests::the_default_does_not_depend_on_the_thread_that_spins_first";
        const PINNED: &str = "REACTON_TEST_PINNED";
        let looks = Cell::new(0);
        let spins = || {
            looks.set(0);
            Spin::default().until(None, || {
                looks.set(looks.get() + 1);
                false
            });
            looks.get() > 0
        };
        let spin_everywhere = spins();
        if let Some(pinned) = std::env::var_os(PINNED) {
            assert_eq!(pinned, *spin_everywhere.to_string());
            return;
        }
        let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.first().copied())
        else {
            return;
        };
        // The new process inherits the affinity of this thread.
        core_affinity::set_for_current(core);
        let status = std::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", NAME])
            .env(PINNED, spin_everywhere.to_string())
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()));
    }

    #[test]
    fn a_spin_of_no_time_does_not_even_look() {
        let spin = Spin::default();
        spin.set_time(Duration::ZERO);
        assert!(!spin.until(None, || panic!("it looked")));
    }
}
