//! One-off work: a closure on another thread, and its result. No store, no link.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::TaskError;
use crate::panics::{self, Caught};

/// Runs `f` on another thread, and gives its result as a future and as something to [`join`](Task::join).
///
/// The threads are shared, and come and go with the work: up to 500, so that work that waits does not keep other work
/// waiting. For what goes on and answers changes, spawn a worker.
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
    let guarded = || {
        panics::caught(f)
            .map_err(|Caught { message, location }| TaskError::Panicked { message, location })
    };
    Task { task: Some(blocking::unblock(guarded)) }
}

/// Work that goes on elsewhere; see [`run`].
///
/// Dropping it lets the work go on, and its result go.
#[must_use = "a result that nobody waits for is lost; if that is meant, drop it by name"]
pub struct Task<T> {
    /// Nothing once it was joined.
    task: Option<blocking::Task<Result<T, TaskError>>>,
}

impl<T> Task<T> {
    /// Waits for the result.
    ///
    /// # Errors
    /// If the work panicked.
    ///
    /// # Panics
    /// If the task has given its result already, as a future.
    pub fn join(mut self) -> Result<T, TaskError> {
        let task = self.task.take().expect("only `join` takes it, and consumes the task");
        futures_lite::future::block_on(task)
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    /// # Panics
    /// If it has given its result already.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task.as_mut().expect("only `join` takes it, and consumes the task");
        Pin::new(task).poll(context)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}
