//! The points at which another thread may run. On threads they do nothing; in a simulation other stores take steps there.

use std::cell::RefCell;
use std::rc::Rc;

type Hook = Rc<dyn Fn()>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
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
