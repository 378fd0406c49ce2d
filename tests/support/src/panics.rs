//! Panics that a test expects.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Runs `f`, which has to panic, and returns the message.
#[track_caller]
pub fn panic_of<U>(f: impl FnOnce() -> U) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("expected a panic"),
        Err(payload) => panic_text(&*payload),
    }
}

/// Returns the text of a panic's payload.
#[track_caller]
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref().cloned()).expect("the panic has a text")
}

thread_local! {
    static HIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// From now on, panics with this payload are not printed, because the test causes them. A program can name one payload.
pub fn hide_panics_with(payload: &'static str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| hide_panics_if(move |info| info.downcast_ref() == Some(&payload)));
}

/// Runs `f`, and returns its result. Panics of this thread are not printed meanwhile.
pub fn quietly<U>(f: impl FnOnce() -> U) -> U {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| hide_panics_if(|_| HIDDEN.get()));
    let before = HIDDEN.replace(true);
    let result = f();
    HIDDEN.set(before);
    result
}

fn hide_panics_if(is_hidden: impl Fn(&(dyn Any + Send)) -> bool + Send + Sync + 'static) {
    let print = take_hook();
    set_hook(Box::new(move |info| {
        if !is_hidden(info.payload()) {
            print(info);
        }
    }));
}
