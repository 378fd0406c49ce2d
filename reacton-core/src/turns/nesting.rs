//! Futures and streams that are polled inside a batch, a computed or an observer, where a turn applies nothing.
//!
//! There are two cases. A program may call `block_on` in an observer with such a future. It would wait for ever, so the
//! future ends. Or a program may run an executor in an observer, which also polls tasks that were waiting before. These
//! keep waiting, and are woken after the observer. Such a task is recognised by its waker: it is the waker with which
//! the future was last polled outside of the observer.

use std::ptr;
use std::task::{Context, Waker};

use crate::store::ReactonStore;

/// A future that was not polled outside before ends after this many polls in a row: it is probably the only one of its
/// executor.
const POLLS: u32 = 1000;

/// What a future or a stream remembers of polls inside a batch, a computed or an observer.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    /// The task that waits since a poll outside.
    task: Option<Task>,
    /// The number of polls in a row inside.
    polls: u32,
}

/// The addresses of the two parts of a waker: enough to recognise it, without keeping its task alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Task(usize, usize);

impl Task {
    fn of(waker: &Waker) -> Self {
        Self(waker.data().addr(), ptr::from_ref(waker.vtable()).addr())
    }
}

/// What a poll has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    /// It happens outside of a batch, a computed and an observer.
    Outside,
    /// It returns `Pending`; the task is woken later.
    Waits,
    /// The future or stream ends.
    Ends,
}

impl Nesting {
    /// Records a poll of the future of this name, which is registered with the inbox.
    pub(crate) fn note(
        &mut self,
        store: &ReactonStore,
        context: &Context<'_>,
        name: &'static str,
    ) -> Polled {
        let task = Some(Task::of(context.waker()));
        if !store.phase().is_busy() {
            self.polls = 0;
            self.task = task;
            return Polled::Outside;
        }
        store.turn_state().note_refused_task();
        self.polls = self.polls.saturating_add(1);
        if self.task == task {
            if self.polls == 1 {
                warn(name);
            }
            return Polled::Waits;
        }
        if self.polls <= POLLS {
            // Other tasks of the executor may have to be polled.
            context.waker().wake_by_ref();
            return Polled::Waits;
        }
        self.polls = 0;
        warn(name);
        Polled::Ends
    }

    /// Records that a poll returned a result: if that was outside, no task waits any more.
    pub(crate) fn note_ready(&mut self, store: Option<&ReactonStore>) {
        self.polls = 0;
        if store.is_some_and(|store| !store.phase().is_busy()) {
            self.task = None;
        }
    }
}

#[cold]
fn warn(name: &'static str) {
    tracing::warn!(
        name,
        "`{name}` is awaited in the middle of a batch, a computed or an observer, where nothing is taken in (`Nested`): \
         return from it first, or await in a task of its own"
    );
}
