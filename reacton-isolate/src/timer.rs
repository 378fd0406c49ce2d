//! Wakes a task at a point in time: for what is awaited, and has a timeout.
//!
//! One thread serves all that wait. It starts with the first of them, and ends when there is none.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Instant;

static TIMERS: Mutex<Timers> =
    Mutex::new(Timers { waiting: BTreeMap::new(), made: 0, runs: false });
static CHANGED: Condvar = Condvar::new();

struct Timers {
    waiting: BTreeMap<Key, Waker>,
    made: u64,
    /// Its thread runs.
    runs: bool,
}

type Key = (Instant, u64);

/// Something that is to be woken; dropped, it is not.
#[derive(Debug)]
pub(crate) struct Timer {
    key: Key,
}

fn timers() -> MutexGuard<'static, Timers> {
    TIMERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Timer {
    /// Wakes `waker` at `deadline`.
    ///
    /// # Errors
    /// If the system has no thread left.
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
        // A waker is foreign code: dropped outside of the lock.
        drop(waker);
        CHANGED.notify_one();
    }
}

fn run() {
    let mut timers = timers();
    while let Some(first) = timers.waiting.first_entry() {
        let left = first.key().0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let waker = first.remove();
            drop(timers);
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
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
            let sender = self.0.lock().expect("nothing panics");
            sender.send(self.1).expect("the test listens");
        }
    }

    #[test]
    fn timers_wake_in_their_order_and_a_dropped_one_does_not() {
        let (tell, told) = channel();
        let now = Instant::now();
        let timer = |millis, number| {
            let waker = Waker::from(Arc::new(Tell(Mutex::new(tell.clone()), number)));
            Timer::new(now + Duration::from_millis(millis), waker).expect("there is a thread")
        };
        let _later = timer(20, 2);
        drop(timer(10, 3));
        let _sooner = timer(1, 1);
        assert_eq!(told.recv(), Ok(1));
        assert_eq!(told.recv(), Ok(2));
        assert!(told.try_recv().is_err());
    }
}
