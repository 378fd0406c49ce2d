//! The threads that run one-off work. They are started on demand, kept for a moment, and end when no work is left.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use reacton_core::FirstPanic;

/// The maximum number of threads that run work, without those that wait for other work; further work stays in the
/// queue.
const MOST: usize = 500;

/// The maximum number of threads.
const MOST_IN_ALL: usize = 2000;

/// How long a thread without work is kept.
const IDLE: Duration = Duration::from_millis(500);

static THREADS: Mutex<Threads> = Mutex::new(Threads::NONE);
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// The number of the piece of work that this thread took from the queue; 0 on other threads.
    static PIECE: Cell<u64> = const { Cell::new(0) };
}

/// Something to run. A second run does nothing.
pub(crate) trait Job: Send + Sync {
    fn run(&self);
}

struct Threads {
    queue: VecDeque<Arc<dyn Job>>,
    all: usize,
    /// How many threads wait for work.
    idle: usize,
    /// How many threads were started and have not looked into the queue yet.
    starting: usize,
    /// The number of the piece of work that was taken last.
    taken: u64,
    /// For each piece of work, by number, how many results it waits for. Only those that wait for at least one.
    waits: BTreeMap<u64, usize>,
}

impl Threads {
    const NONE: Self = Self {
        queue: VecDeque::new(),
        all: 0,
        idle: 0,
        starting: 0,
        taken: 0,
        waits: BTreeMap::new(),
    };

    /// Returns whether the last job in the queue would have to wait for another one to end.
    fn are_too_few(&self) -> bool {
        self.queue.len() > self.idle + self.starting
    }

    /// Returns the current maximum of threads.
    fn limit(&self) -> usize {
        (MOST + self.waits.len()).min(MOST_IN_ALL)
    }

    /// Starts a thread if there are too few and one more is allowed.
    fn grow(&mut self) -> io::Result<()> {
        if self.are_too_few() && self.all < self.limit() {
            thread::Builder::new().name(String::from("reacton-run")).spawn(live)?;
            self.all += 1;
            self.starting += 1;
        }
        Ok(())
    }
}

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `job` on one of the threads.
///
/// # Errors
/// If there is no thread, and the system cannot start one.
pub(crate) fn execute(job: Arc<dyn Job>) -> io::Result<()> {
    let mut threads = threads();
    threads.queue.push_back(job);
    let grown = threads.grow();
    // If there is at least one thread, it will take the job later.
    let never = if grown.is_err() && threads.all == 0 {
        std::mem::take(&mut threads.queue)
    } else {
        VecDeque::new()
    };
    drop(threads);
    CHANGED.notify_one();
    match grown {
        Err(error) if !never.is_empty() => return Err(error),
        grown => report(grown),
    }
    Ok(())
}

/// Not called under the lock, because a subscriber may start work.
fn report(grown: io::Result<()>) {
    if let Err(error) = grown {
        tracing::debug!(%error, "no more threads for one-off work");
    }
}

/// Returns whether this thread should run what it would wait for: it is one of these threads, and there are too few.
pub(crate) fn should_help() -> bool {
    piece() != 0 && threads().are_too_few()
}

fn piece() -> u64 {
    // 0 while the thread ends, too.
    PIECE.try_with(Cell::get).unwrap_or(0)
}

/// While it exists, a piece of work waits for the result of another one. Its thread does not count among the [`MOST`]:
/// otherwise waiting pieces could occupy all threads, and the work that they wait for would never run.
pub(crate) struct Wait {
    piece: u64,
    /// No thread is free, and none can be started.
    is_stuck: bool,
}

impl Wait {
    /// Called when this thread begins to wait. `None` if it is not one of these threads.
    pub(crate) fn begin() -> Option<Self> {
        let piece = piece();
        if piece == 0 {
            return None;
        }
        let mut threads = threads();
        *threads.waits.entry(piece).or_default() += 1;
        let grown = threads.grow();
        let is_stuck = threads.are_too_few() && (grown.is_err() || threads.all >= MOST_IN_ALL);
        drop(threads);
        // Created before the call of a subscriber, which may panic.
        let wait = Self { piece, is_stuck };
        report(grown);
        Some(wait)
    }

    /// Returns whether the awaited work has to run on this thread, because it would never run otherwise.
    pub(crate) fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Returns whether this is the thread that waits.
    pub(crate) fn is_here(&self) -> bool {
        self.piece == piece()
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut threads = threads();
        // Does nothing if the piece has ended.
        if let Some(results) = threads.waits.get_mut(&self.piece) {
            *results -= 1;
            if *results == 0 {
                threads.waits.remove(&self.piece);
            }
        }
    }
}

fn live() {
    let mut threads = threads();
    threads.starting -= 1;
    // Ends a thread that was started because others waited, when they wait no longer.
    while threads.all <= threads.limit() {
        if let Some(job) = threads.queue.pop_front() {
            threads.taken += 1;
            let piece = threads.taken;
            drop(threads);
            PIECE.set(piece);
            let mut panics = FirstPanic::default();
            panics.guard(|| job.run());
            // Drops the result of detached work.
            panics.guard(|| drop(job));
            panics.forget();
            threads = self::threads();
            threads.waits.remove(&piece);
            continue;
        }
        threads.idle += 1;
        let waited = CHANGED.wait_timeout(threads, IDLE).unwrap_or_else(PoisonError::into_inner);
        threads = waited.0;
        threads.idle -= 1;
        if waited.1.timed_out() && threads.queue.is_empty() {
            break;
        }
    }
    threads.all -= 1;
    drop(threads);
    // This thread may have received the notification of a job that it does not take.
    CHANGED.notify_one();
}
