//! What is known of a panic: its words, and the place, which only a panic hook sees.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;
use std::thread;

use reacton_core::panic_message;

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes where panics happen on worker threads, and leaves everything else to the hook that was there.
///
/// A hook that the program sets later hides the place; then it is unknown.
pub(crate) fn watch_panics() {
    static INSTALLED: Once = Once::new();
    if thread::panicking() {
        // The hook cannot be exchanged now; the next spawn does it.
        return;
    }
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_WORKER.get()
                && let Some(location) = info.location()
            {
                PANICKED_AT.set(Some(location.to_string()));
            }
            previous(info);
        }));
    });
}

/// Runs something of a worker's: where it panics is noted.
pub(crate) fn noting<U>(f: impl FnOnce() -> U) -> U {
    let outer = IS_WORKER.replace(true);
    let result = f();
    IS_WORKER.set(outer);
    result
}

/// The words of the panic that this thread has just caught, and the place if it was noted.
pub(crate) fn words(payload: &(dyn Any + Send)) -> (String, Option<String>) {
    (panic_message(payload), PANICKED_AT.take())
}
