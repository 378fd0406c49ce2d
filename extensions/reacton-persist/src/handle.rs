//! The handle to what is saved, and what it shows in the store.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{Mailbox, ReactonStore, ReadOnly, WeakStore};
use reacton_isolate::LinkError;
use reacton_isolate::sink::{Sink, SinkEvents, SinkQueue};

use crate::error::FlushError;
use crate::progress::Progress;
use crate::status::{Problem, SaveStatus};

/// What is saved of a store, as long as this exists: made by [`Persist::open`](crate::Persist::open).
///
/// Dropping it writes what was committed, and closes the file.
#[must_use = "dropping it ends the saving"]
pub struct Saved {
    pub(crate) store: WeakStore,
    /// `None` after the end.
    pub(crate) sink: Option<Sink>,
    pub(crate) shown: Rc<Shown>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

impl Saved {
    /// Whether what was committed is on disk, as a reacton of the store.
    ///
    /// It is `Pending` from the commit on. That it is `Saved` again, or `Failing`, is shown by a turn of the store, or by
    /// [`flush`](Self::flush).
    pub fn status(&self) -> &ReadOnly<SaveStatus> {
        &self.shown.status
    }

    /// What could not be read or saved, or is not read, as a reacton of the store.
    pub fn problems(&self) -> &ReadOnly<Vec<Problem>> {
        &self.shown.problems
    }

    /// Waits until everything is on disk that was committed before. It blocks the thread, and takes no turn.
    ///
    /// # Errors
    /// If writing fails, or takes longer than the timeout. Nothing is lost by that: it is tried again.
    pub fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let Some(sink) = &self.sink else { return Ok(()) };
        let request = sink.queue().ask();
        let result = self.shown.progress.wait(request, timeout);
        if let Some(store) = self.store.upgrade() {
            self.shown.refresh(&store);
        }
        result
    }

    /// Removes from the file what no reacton of the list reads: names that are not declared, and bytes that were moved aside. They are
    /// removed with the next write.
    pub fn forget_unknown(&self) {
        let Some(sink) = &self.sink else { return };
        self.shown.progress.forget_unknown();
        sink.queue().ask();
        if let Some(store) = self.store.upgrade() {
            let is_known = |problem: &Problem| !matches!(problem, Problem::Unknown { .. });
            let wiring = Wiring::of(&store);
            wiring.edit(self.shown.problems, |problems| problems.retain(is_known));
        }
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        drop(self.sink.take());
        if let Some(thread) = self.thread.take() {
            // Its panic is in the status.
            let _ = thread.join();
        }
        if let Some(store) = self.store.upgrade() {
            self.shown.refresh(&store);
            let wiring = Wiring::of(&store);
            wiring.end(self.shown.problems);
            wiring.end(self.shown.status);
        }
    }
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved").field("sink", &self.sink).finish_non_exhaustive()
    }
}

/// What the store shows.
pub(crate) struct Shown {
    pub(crate) status: ReadOnly<SaveStatus>,
    pub(crate) problems: ReadOnly<Vec<Problem>>,
    pub(crate) progress: Arc<Progress>,
    /// Set as soon as there is one.
    pub(crate) queue: OnceCell<Arc<SinkQueue>>,
    /// While something is not on disk, a wait of the store is not over: the status will change.
    expects: RefCell<Option<Mailbox>>,
}

impl Shown {
    pub(crate) fn new(store: &ReactonStore, progress: Arc<Progress>) -> Self {
        let wiring = Wiring::of(store);
        Self {
            status: wiring.read_only(SaveStatus::Saved, || SaveStatus::Saved),
            problems: wiring.read_only(Vec::new(), Vec::new),
            progress,
            queue: OnceCell::new(),
            expects: RefCell::default(),
        }
    }

    /// Shows the present status.
    pub(crate) fn refresh(&self, store: &ReactonStore) {
        // The queue first: what the thread has taken since is unsaved.
        let is_empty = self.queue.get().is_none_or(|queue| queue.is_empty());
        let status = self.progress.status(is_empty);
        self.expect(store, status != SaveStatus::Saved);
        Wiring::of(store).write(self.status, status);
    }

    fn expect(&self, store: &ReactonStore, expects: bool) {
        let mut mailbox = self.expects.borrow_mut();
        if expects != mailbox.is_some() {
            *mailbox = expects.then(|| Wiring::of(store).inbox().mailbox());
        }
    }

    pub(crate) fn add_problems(&self, store: &ReactonStore, problems: Vec<Problem>) {
        if !problems.is_empty() {
            Wiring::of(store).edit(self.problems, |all| all.extend(problems));
        }
    }
}

impl SinkEvents for Shown {
    fn queued(&self, store: &ReactonStore) {
        self.refresh(store);
    }

    fn notified(&self, store: &ReactonStore) {
        self.refresh(store);
    }

    fn failed(&self, store: &ReactonStore, error: LinkError) {
        let problem = Problem::NotSaved { reason: not_saved(error) };
        Wiring::of(store).edit(self.problems, |all| {
            if !all.contains(&problem) {
                all.push(problem);
            }
        });
    }
}

/// The message of an error of the link to the sink, if it would speak of other stores, in words for a file.
fn not_saved(error: LinkError) -> String {
    match error {
        LinkError::Lossy { reacton, type_name, .. } => format!(
            "a value of `{reacton}` would be another one when it is read again: look for `#[serde(skip)]`, `Option<Option<_>>`, an \
             untagged enum or a flattened `Option` in `{type_name}`"
        ),
        LinkError::ChangedInPlace { reacton, .. } => format!(
            "the value of `{reacton}` was changed without a write, so the file still has the one from before: change it by `update` \
             instead of through a `Cell`, a `RefCell` or a lock, and return `true` from an `update_if` that changes it"
        ),
        error => error.to_string(),
    }
}
