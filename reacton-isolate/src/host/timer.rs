//! Wakes a task at a point in time, for awaits with a timeout. One thread serves all timers. It starts with the first
//! timer, and ends when there is none.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use reacton_core::panics;

static TIMERS: Mutex<Timers> =
    Mutex::new(Timers { waiting: BTreeMap::new(), made: 0, runs: false });
static CHANGED: Condvar = Condvar::new();

struct Timers {
    waiting: BTreeMap<Key, Waker>,
    made: u64,
    /// The thread of the timers runs.
    runs: bool,
}

type Key = (Instant, u64);

/// A timer, which is cancelled when dropped.
#[derive(Debug)]
pub(crate) struct Timer {
    key: Key,
}

fn timers() -> MutexGuard<'static, Timers> {
    TIMERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Timer {
    /// Starts a timer that wakes `waker` at `deadline`.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn new(deadline: Instant, waker: Waker) -> io::Result<Self> {
        let mut timers = timers();
        if !timers.runs {
            thread::Builder::new().name(String::from("reacton-timer")).spawn(run)?;
            timers.runs = true;
        }
        timers.made += 1;
        let key = (deadline, timers.made);
        timers.waiting.insert(key, waker);
        drop(timers);
        CHANGED.notify_one();
        Ok(Self { key })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = timers().waiting.remove(&self.key);
        // A waker is user code, so it is dropped outside of the lock.
        drop(waker);
        CHANGED.notify_one();
    }
}

/// If a panic ends the thread, the next timer starts another one.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        if thread::panicking() {
            timers().runs = false;
        }
    }
}

fn run() {
    let _running = Running;
    let mut timers = timers();
    while let Some(first) = timers.waiting.first_entry() {
        let left = first.key().0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let waker = first.remove();
            drop(timers);
            panics::wake(waker);
            timers = self::timers();
        } else {
            let waited = CHANGED.wait_timeout(timers, left);
            timers = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
    timers.runs = false;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Sender, channel};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    struct Tell(Mutex<Sender<u32>>, u32);

    impl Wake for Tell {
        fn wake(self: Arc<Self>) {
            let sender = self.0.lock().expect("the mutex is not poisoned");
            sender.send(self.1).expect("the channel is open");
        }
    }

    /// Panics when it is dropped.
    struct Payload;

    impl Drop for Payload {
        fn drop(&mut self) {
            panic!("the drop of a payload");
        }
    }

    struct Panics(Mutex<Sender<()>>);

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            let _ = self.0.lock().map(|woken| woken.send(()));
            std::panic::panic_any(Payload);
        }
    }

    #[test]
    fn a_waker_that_panics_with_a_payload_that_panics_ends_no_other_timer() {
        for _ in 0..3 {
            let (tell, woken) = channel();
            let waker = Waker::from(Arc::new(Panics(Mutex::new(tell))));
            let _timer = Timer::new(Instant::now(), waker).expect("the thread starts");
            assert_eq!(woken.recv_timeout(Duration::from_secs(30)), Ok(()));
        }
    }

    #[test]
    fn timers_wake_in_their_order_and_a_dropped_one_does_not() {
        let (tell, told) = channel();
        let now = Instant::now();
        let timer = |millis, number| {
            let waker = Waker::from(Arc::new(Tell(Mutex::new(tell.clone()), number)));
            Timer::new(now + Duration::from_millis(millis), waker).expect("the thread starts")
        };
        let _later = timer(20, 2);
        drop(timer(10, 3));
        let _sooner = timer(1, 1);
        assert_eq!(told.recv(), Ok(1));
        assert_eq!(told.recv(), Ok(2));
        assert!(told.try_recv().is_err());
    }
}
