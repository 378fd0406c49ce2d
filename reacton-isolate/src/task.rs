//! One-off work: a closure on another thread, and its result. No store, no link.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use reacton_core::panics::{contained, wake};

use crate::error::TaskError;
use crate::panics::{self, Caught};
use crate::pending;
use crate::scope::Scope;
use crate::threads::{self, Job};

/// Runs `f` on another thread, and gives its result as a future and as something to [`join`](Task::join).
///
/// The threads are shared, and come and go with the work: up to 500, so that work that waits does not keep other work
/// waiting. Work that [`join`](Task::join)s other work never stands still for that: if no thread is free, it runs the
/// other work itself. If the system has no thread at all, the result is [`TaskError::NoThread`]. For what goes on and
/// answers changes, spawn a worker.
///
/// A worker that is shut down does not end before the work that it has started has ended, so that a result that the work
/// sends by a [`StoreHandle`](reacton_core::StoreHandle) is not lost.
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
    let work = pending::begin();
    let guarded = move || {
        // Dropped after `f`, and so after all that `f` has sent.
        let work = work;
        let store = work.as_ref().map(|work| work.mailbox().clone());
        let _listening = scope.listen();
        let _span = scope.span().enter();
        pending::on_behalf_of(store, || panics::caught(f))
            .map_err(|Caught { message, location }| TaskError::Panicked { message, location })
    };
    let work = Arc::new(Work {
        state: Mutex::new(State { stage: Stage::Waiting(Box::new(guarded)), waker: None }),
        done: Condvar::new(),
    });
    if let Err(error) = threads::execute(Arc::clone(&work) as Arc<dyn Job>) {
        work.finish(Err(TaskError::NoThread { reason: error.to_string() }));
    }
    Task { work }
}

/// What a task and the thread that runs it have in common.
struct Work<T> {
    state: Mutex<State<T>>,
    done: Condvar,
}

struct State<T> {
    stage: Stage<T>,
    waker: Option<Waker>,
}

enum Stage<T> {
    Waiting(Box<dyn FnOnce() -> Result<T, TaskError> + Send>),
    Running,
    Done(Result<T, TaskError>),
    /// The result was returned.
    Taken,
}

impl<T> Work<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, result: Result<T, TaskError>) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.stage, Stage::Done(result));
        let waker = state.waker.take();
        drop(state);
        self.done.notify_all();
        if let Some(waker) = waker {
            wake(waker);
        }
        // Work that was not run: its closure is the program's.
        contained(|| drop(before));
    }
}

impl<T> State<T> {
    /// The result, once. If there is none yet, the lock is returned.
    fn take(mut state: MutexGuard<'_, Self>) -> Result<Result<T, TaskError>, MutexGuard<'_, Self>> {
        match std::mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Done(result) => Ok(result),
            Stage::Taken => {
                drop(state);
                panic!("this task has given its result already")
            }
            stage => {
                state.stage = stage;
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
    /// Runs it on this thread, unless it has begun.
    fn run_once(&self) {
        let mut state = self.state();
        match std::mem::replace(&mut state.stage, Stage::Running) {
            Stage::Waiting(f) => {
                drop(state);
                self.finish(f());
            }
            begun => state.stage = begun,
        }
    }
}

/// Work that goes on elsewhere; see [`run`].
///
/// Dropping it lets the work go on, and its result go.
#[must_use = "a result that nobody waits for is lost; if that is meant, drop it by name"]
pub struct Task<T> {
    work: Arc<Work<T>>,
}

impl<T> Task<T> {
    /// Waits for the result. Called in other one-off work while no thread is free, it runs this work on the thread that
    /// would wait.
    ///
    /// # Errors
    /// If the work panicked, or if there was no thread for it.
    ///
    /// # Panics
    /// If the task has given its result already, as a future.
    pub fn join(self) -> Result<T, TaskError> {
        if threads::should_help() {
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
        // Cloned and dropped outside of the lock: that is the executor's code.
        let waker = context.waker().clone();
        let mut state = match State::take(self.work.state()) {
            Ok(result) => return Poll::Ready(result),
            Err(state) => state,
        };
        let displaced = state.waker.replace(waker);
        drop(state);
        drop(displaced);
        Poll::Pending
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}
