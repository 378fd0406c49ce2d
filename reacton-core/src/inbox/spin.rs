//! The spin before a sleep: an item that arrives soon is seen without a wake-up.

use std::cell::Cell;
use std::hint;
use std::thread;
use std::time::{Duration, Instant};

use super::cores;

/// How long to look between two yields while no other thread uses them. Longer than an answer takes: a yield takes a
/// third of a microsecond or more, and an item that arrives during it is seen late.
const ALONE: Duration = Duration::from_micros(4);

/// How long to wait before the first look.
const SETTLE: Duration = Duration::from_nanos(150);

/// The number of looks between two readings of the clock, which is slower than a look.
const LOOKS: u32 = 4;

/// A yield that takes this long has let another thread run.
const USED: Duration = Duration::from_nanos(700);

/// How long to spin by default where the process may use several cores.
const TIME: Duration = Duration::from_micros(20);

/// Waking a sleeping thread costs tens of microseconds; a thread that spins continues at once. It looks often only
/// after a yield that no other thread used, because the sender may be waiting for this very core. It also does not look
/// immediately: an answer takes longer, and in a burst several messages arrive meanwhile, so that the two threads do
/// not wait for each other at each message.
pub(super) struct Spin {
    /// `None` is the default.
    time: Cell<Option<Duration>>,
    /// The last yield returned at once: no other thread waits for this core.
    alone: Cell<bool>,
}

impl Default for Spin {
    fn default() -> Self {
        Self { time: Cell::new(None), alone: Cell::new(false) }
    }
}

impl Spin {
    /// Sets the time to spin; zero turns spinning off.
    pub(super) fn set_time(&self, time: Duration) {
        self.time.set(Some(time));
    }

    /// Spins and yields until something has arrived, the time has passed, or `deadline` is reached. Returns whether
    /// something has arrived.
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
        // Spins until the deadline, and looks at least once.
        assert!(!spin.until(Some(Instant::now() + Duration::from_micros(5)), || false));
        assert!(spin.until(Some(Instant::now()), || true));
    }

    /// Runs in a new process, in which no other thread has asked before.
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
        let status =
            std::process::Command::new(std::env::current_exe().expect("the program has a path"))
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
        assert!(!spin.until(None, || panic!("the spin has checked")));
    }
}
