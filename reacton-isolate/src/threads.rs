//! The threads that one-off work shares: started on demand, kept for a moment, ended when nothing is left.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use reacton_core::FirstPanic;

/// So many run at a time; what is more waits in the queue.
const MOST: usize = 500;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_millis(500);

static THREADS: Mutex<Threads> = Mutex::new(Threads::NONE);
static CHANGED: Condvar = Condvar::new();

thread_local! {
    static IS_ONE: Cell<bool> = const { Cell::new(false) };
}

/// Something to run. It does nothing the second time.
pub(crate) trait Job: Send + Sync {
    fn run(&self);
}

struct Threads {
    queue: VecDeque<Arc<dyn Job>>,
    all: usize,
    /// Of these: they wait for something to run.
    idle: usize,
    /// Of these: they were started, and have not looked into the queue.
    starting: usize,
}

impl Threads {
    const NONE: Self = Self { queue: VecDeque::new(), all: 0, idle: 0, starting: 0 };

    /// Whether the last job in the queue waits for another one to end.
    fn are_too_few(&self) -> bool {
        self.queue.len() > self.idle + self.starting
    }
}

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `job` on one of the threads.
///
/// # Errors
/// If there is no thread, and the system has none left.
pub(crate) fn execute(job: Arc<dyn Job>) -> io::Result<()> {
    let mut threads = threads();
    threads.queue.push_back(job);
    let mut refused = None;
    if threads.are_too_few() && threads.all < MOST {
        match thread::Builder::new().name(String::from("reacton-run")).spawn(live) {
            Ok(_) => {
                threads.all += 1;
                threads.starting += 1;
            }
            // Otherwise one of the others takes it.
            Err(error) if threads.all == 0 => {
                let jobs = std::mem::take(&mut threads.queue);
                drop(threads);
                drop(jobs);
                return Err(error);
            }
            Err(error) => refused = Some(error),
        }
    }
    drop(threads);
    CHANGED.notify_one();
    if let Some(error) = refused {
        // Outside of the lock: a subscriber may start work of its own.
        tracing::debug!(%error, "no more threads for one-off work");
    }
    Ok(())
}

/// Whether this thread is to run what it would wait for: it is one of them, and there are too few.
pub(crate) fn should_help() -> bool {
    IS_ONE.try_with(Cell::get).unwrap_or(false) && threads().are_too_few()
}

fn live() {
    IS_ONE.set(true);
    let mut threads = threads();
    threads.starting -= 1;
    loop {
        if let Some(job) = threads.queue.pop_front() {
            drop(threads);
            let mut panics = FirstPanic::default();
            panics.guard(|| job.run());
            // Of work that was detached, the result is dropped here.
            panics.guard(|| drop(job));
            panics.forget();
            threads = self::threads();
            continue;
        }
        threads.idle += 1;
        let waited = CHANGED.wait_timeout(threads, IDLE).unwrap_or_else(PoisonError::into_inner);
        threads = waited.0;
        threads.idle -= 1;
        if waited.1.timed_out() && threads.queue.is_empty() {
            threads.all -= 1;
            return;
        }
    }
}
