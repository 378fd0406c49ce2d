//! Futures and streams that are polled inside a batch, a computed or an observer, where a turn applies nothing.
//!
//! There are two cases. A program may call `block_on` in an observer with such a future. It would wait for ever, so the
//! future ends. Or a program may run an executor in an observer, which also polls tasks that were waiting before. These
//! keep waiting, and are woken after the observer. Such a task is recognised by its waker: it is the waker with which
//! the future was last polled outside of the observer.

use std::ptr;
use std::task::{Context, Waker};

use crate::store::ReactonStore;

/// After so many polls in a row a future that was not polled outside is taken for the only one that is driven.
const POLLS: u32 = 1000;

/// What a future or a stream knows of the polls in the middle of something.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    /// The task that waits since a poll outside.
    task: Option<Task>,
    /// So many polls in a row were in the middle of something.
    polls: u32,
}

/// The addresses of the two parts of a waker: enough to know it again, and no handle that keeps a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Task(usize, usize);

impl Task {
    fn of(waker: &Waker) -> Self {
        Self(waker.data().addr(), ptr::from_ref(waker.vtable()).addr())
    }
}

/// What a poll is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    /// It is not in the middle of anything.
    Outside,
    /// It returns `Pending`; its task is woken.
    Waits,
    /// It ends.
    Ends,
}

impl Nesting {
    /// Notes a poll of the future of this name, which is registered with the inbox.
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
            // The executor may have other tasks to poll.
            context.waker().wake_by_ref();
            return Polled::Waits;
        }
        self.polls = 0;
        warn(name);
        Polled::Ends
    }

    /// Something came of the last poll: if that was outside, no task waits any more.
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
