//! For which worker this thread works: a drain of the worker waits for what it has started on other threads.

use std::cell::RefCell;

use reacton_core::{Mailbox, PendingWork};

thread_local! {
    /// Of the worker's store.
    static WORKER: RefCell<Option<Mailbox>> = const { RefCell::new(None) };
}

/// Runs `f` for the worker whose store has this mailbox; for no worker if there is none.
pub(crate) fn on_behalf_of<U>(worker: Option<Mailbox>, f: impl FnOnce() -> U) -> U {
    struct Back(Option<Mailbox>);
    impl Drop for Back {
        fn drop(&mut self) {
            let displaced = WORKER.replace(self.0.take());
            drop(displaced);
        }
    }
    let _back = Back(WORKER.replace(worker));
    f()
}

/// Counts work that begins now, if this thread works for a worker. Also callable while the thread ends.
pub(crate) fn begin() -> Option<PendingWork> {
    let begin =
        |worker: &RefCell<Option<Mailbox>>| worker.borrow().as_ref().map(Mailbox::pending_work);
    WORKER.try_with(begin).ok().flatten()
}
