//! Panics that a test expects.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// The message of the panic in which `f` ends.
#[track_caller]
pub fn panic_of<U>(f: impl FnOnce() -> U) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("expected a panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => (*payload.downcast::<&str>().expect("a panic with a text")).to_owned(),
        },
    }
}

/// From now on, panics with this payload are not printed: they are part of a test. A program names one of them.
pub fn hide_panics_with(payload: &'static str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |info| {
            if info.payload().downcast_ref() != Some(&payload) {
                print(info);
            }
        }));
    });
}
