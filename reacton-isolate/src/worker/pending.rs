//! Records for which worker this thread works: a drain of the worker waits for the work it has started on other
//! threads.

use std::cell::RefCell;

use reacton_core::{Mailbox, PendingWork};

thread_local! {
    /// The mailbox of that worker's store.
    static WORKER: RefCell<Option<Mailbox>> = const { RefCell::new(None) };
}

/// Runs `f` on behalf of the worker whose store has this mailbox; on behalf of no worker if it is `None`.
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

/// Counts work that begins now, until the result is dropped. `None` if this thread works for no worker. May be called
/// while the thread ends.
pub(crate) fn begin() -> Option<PendingWork> {
    let begin =
        |worker: &RefCell<Option<Mailbox>>| worker.borrow().as_ref().map(Mailbox::pending_work);
    WORKER.try_with(begin).ok().flatten()
}
