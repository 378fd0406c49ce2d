//! One-off work: a closure on another thread, and its result. No store, no link.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use reacton_core::panics::{contained, wake};
use reacton_core::stack;
use reacton_core::{IsReady, Peers, PendingWork};

use crate::error::TaskError;
use crate::host::task_threads::{self, Job, Wait};
use crate::host::{self};
use crate::worker::panics::{self, Caught};
use crate::worker::pending;
use crate::worker::scope::Scope;

/// Runs `f` on another thread, and returns its result as a future that can also be [`join`](Task::join)ed.
///
/// The work runs on up to 500 shared threads, which start and end with the work. Work may wait for other work that it
/// has started: if no thread is free, [`join`](Task::join) runs the other work itself. A thread that awaits a task in a
/// `block_on` does not count among the 500, so another thread starts. If there are already 2000 threads, the poll of
/// the task runs the other work itself. If the system refuses every thread, the result is [`TaskError::NoThread`]. For
/// work that runs all the time and reacts to changes, spawn a worker.
///
/// When a worker is shut down, it ends only after the work that it has started. So a result that this work sends by a
/// [`StoreHandle`](reacton_core::StoreHandle) is not lost.
///
/// # Examples
/// ```
/// # use reacton_isolate::run;
/// let sum = run(|| (1..=1_000_000_u64).sum::<u64>());
/// assert_eq!(sum.join()?, 500_000_500_000);
/// # Ok::<(), reacton_isolate::TaskError>(())
/// ```
pub fn run<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    panics::watch_panics();
    let scope = Scope::current();
    let pending = pending::begin();
    let store = pending.as_ref().map(|pending| pending.mailbox().clone());
    let guarded = move || {
        let _listening = scope.listen();
        let _span = scope.span().enter();
        pending::on_behalf_of(store, || panics::caught(f)).map_err(panicked)
    };
    let host = host::current();
    let work = Arc::new(Work {
        state: Mutex::new(State { stage: Stage::Waiting(Box::new(guarded)), waker: None, pending }),
        done: Condvar::new(),
    });
    if let Err(error) = host.run(Arc::clone(&work) as Arc<dyn Job>) {
        work.finish(Err(TaskError::NoThread { reason: error.to_string() }));
    }
    let among = host.peers().map(|peers| {
        let work = Arc::clone(&work);
        let is_done: IsReady = Arc::new(move || work.is_done());
        Among { peers, is_done }
    });
    Task { work, wait: None, among }
}

fn panicked(Caught { message, location }: Caught) -> TaskError {
    TaskError::Panicked { message, location }
}

/// The data shared by a task and the thread that runs it.
struct Work<T> {
    state: Mutex<State<T>>,
    done: Condvar,
}

struct State<T> {
    stage: Stage<T>,
    waker: Option<Waker>,
    /// Counts the work as pending, for the worker that started it.
    pending: Option<PendingWork>,
}

enum Stage<T> {
    Waiting(Box<dyn FnOnce() -> Result<T, TaskError> + Send>),
    Running,
    Done(Result<T, TaskError>),
    /// The result was returned.
    Taken,
}

/// How to wait in a simulation.
struct Among {
    peers: Arc<dyn Peers>,
    is_done: IsReady,
}

impl<T> Work<T> {
    fn is_done(&self) -> bool {
        matches!(self.state().stage, Stage::Done(_) | Stage::Taken)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, result: Result<T, TaskError>) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.stage, Stage::Done(result));
        let (waker, pending) = (state.waker.take(), state.pending.take());
        drop(state);
        self.done.notify_all();
        if let Some(waker) = waker {
            wake(waker);
        }
        // If the work was not run, this drops its closure, which is user code.
        contained(|| drop(before));
        // Last, because a drain of the worker waits until the result exists and its task was woken.
        drop(pending);
    }
}

impl<T> State<T> {
    /// Returns the result, once. Without a result, returns the lock.
    fn take(mut state: MutexGuard<'_, Self>) -> Result<Result<T, TaskError>, MutexGuard<'_, Self>> {
        match std::mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Done(result) => Ok(result),
            Stage::Taken => {
                drop(state);
                panic!("this task has given its result already")
            }
            unfinished => {
                state.stage = unfinished;
                Err(state)
            }
        }
    }
}

impl<T: Send> Job for Work<T> {
    fn run(&self) {
        self.run_once();
    }
}

impl<T> Work<T> {
    /// Runs the work on this thread, unless it has begun. It may run inside of other work: on a new segment of stack if
    /// this one is almost full. If too many are in use, the result is an error.
    fn run_once(&self) {
        let mut state = self.state();
        let f = match std::mem::replace(&mut state.stage, Stage::Running) {
            Stage::Waiting(f) => f,
            begun => {
                state.stage = begun;
                return;
            }
        };
        drop(state);
        // The closure catches panics of the work. A subscriber of tracing may panic too, and so may the drop of work
        // that is not run.
        let run = || stack::with_room(f).unwrap_or(Err(TaskError::TooDeep));
        let result = panics::caught(run).unwrap_or_else(|caught| Err(panicked(caught)));
        self.finish(result);
    }

    /// Whether there is a result; if not, registers the waker. Wakers are cloned and dropped outside of the lock.
    fn poll(&self, context: &Context<'_>) -> Poll<Result<T, TaskError>> {
        let waker = context.waker().clone();
        let mut state = match State::take(self.state()) {
            Ok(result) => return Poll::Ready(result),
            Err(state) => state,
        };
        let displaced = state.waker.replace(waker);
        drop(state);
        drop(displaced);
        Poll::Pending
    }
}

/// Work on another thread; see [`run`].
///
/// Dropping it detaches the work: the closure keeps running, and its result is dropped.
#[must_use = "a result that nobody waits for is lost; if that is meant, drop it by name"]
pub struct Task<T> {
    work: Arc<Work<T>>,
    /// Set when another task polls this and there is no result yet.
    wait: Option<Wait>,
    /// Set in a simulation.
    among: Option<Among>,
}

impl<T> Task<T> {
    /// Waits for the result. If it is called in other one-off work and no thread is free, it runs the work on the
    /// waiting thread.
    ///
    /// # Errors
    /// If the work panicked, if there was no thread for it, or if work that joins work is nested too deeply.
    ///
    /// # Panics
    /// If the task has already returned its result as a future.
    pub fn join(self) -> Result<T, TaskError> {
        if let Some(Among { peers, is_done }) = &self.among {
            peers.wait(None, Arc::clone(is_done), None);
        }
        if task_threads::should_help() {
            self.work.run_once();
        }
        let wait = Wait::begin();
        if wait.as_ref().is_some_and(Wait::is_stuck) {
            self.work.run_once();
        }
        let mut state = self.work.state();
        loop {
            let waiting = match State::take(state) {
                Ok(result) => return result,
                Err(waiting) => waiting,
            };
            state = self.work.done.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    /// # Panics
    /// If it has given its result already.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(Among { peers, is_done }) = &this.among {
            while !is_done() && peers.step(None) {}
        }
        let mut result = this.work.poll(context);
        if result.is_pending() && !this.wait.as_ref().is_some_and(Wait::is_here) {
            // Another thread may start to run the work that this one waits for. If none can, it runs here.
            this.wait = Wait::begin();
            if this.wait.as_ref().is_some_and(Wait::is_stuck) {
                this.work.run_once();
                result = this.work.poll(context);
            }
        }
        if result.is_ready() {
            this.wait = None;
        }
        result
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}
