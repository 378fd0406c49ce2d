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

/// From now on code of this thread that waits for another thread waits among these; with `None` it blocks.
pub(crate) fn set_peers(peers: Option<Arc<dyn Peers>>) {
    let displaced = PEERS.try_with(|current| current.replace(peers));
    drop(displaced);
}

/// The stores among which code of this thread waits that belongs to no store. `None` where it blocks the thread.
pub(crate) fn peers() -> Option<Arc<dyn Peers>> {
    PEERS.try_with(|peers| peers.borrow().clone()).ok().flatten()
}

/// From now on `hook` is called at each point that this thread passes; with `None` nothing is.
pub(crate) fn set_hook(hook: Option<Hook>) {
    let displaced = HOOK.try_with(|current| current.replace(hook));
    drop(displaced);
}

/// Whether this thread has a hook.
pub(crate) fn is_hooked() -> bool {
    HOOK.try_with(|hook| hook.borrow().is_some()).unwrap_or(false)
}

/// A point at which another thread may run. It reads a thread local: too slow for the path of each message.
pub(crate) fn interrupt() {
    let hook = HOOK.try_with(|hook| hook.borrow().clone()).ok().flatten();
    if let Some(hook) = hook
        && !std::thread::panicking()
    {
        hook();
    }
}
