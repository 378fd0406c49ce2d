//! The points at which another thread may run or is waited for. On threads they do nothing; in a simulation other stores take steps
//! there.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::Peers;

type Hook = Rc<dyn Fn()>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    static PEERS: RefCell<Option<Arc<dyn Peers>>> = const { RefCell::new(None) };
}

/// Sets the stores that take steps while code of this thread waits for another thread; with `None` it blocks.
pub(crate) fn set_peers(peers: Option<Arc<dyn Peers>>) {
    let displaced = PEERS.try_with(|current| current.replace(peers));
    drop(displaced);
}

/// The stores among which code of this thread waits that belongs to no store. `None` where it blocks the thread.
pub(crate) fn peers() -> Option<Arc<dyn Peers>> {
    PEERS.try_with(|peers| peers.borrow().clone()).ok().flatten()
}

/// Sets the function that is called at each such point of this thread.
pub(crate) fn set_hook(hook: Option<Hook>) {
    let displaced = HOOK.try_with(|current| current.replace(hook));
    drop(displaced);
}

/// Whether this thread has a hook.
pub(crate) fn is_hooked() -> bool {
    HOOK.try_with(|hook| hook.borrow().is_some()).unwrap_or(false)
}

/// A point at which another thread may run. It reads a thread-local, which is too slow for each message.
pub(crate) fn interrupt() {
    let hook = HOOK.try_with(|hook| hook.borrow().clone()).ok().flatten();
    if let Some(hook) = hook
        && !std::thread::panicking()
    {
        hook();
    }
}
