//! The results that a worker function may return.

use std::fmt::Display;

/// A type that a worker function may return: nothing, or a `Result` whose error ends the isolate as failed.
#[diagnostic::on_unimplemented(
    message = "a worker cannot return `{Self}`",
    label = "this is neither `()` nor `Result<(), E>`",
    note = "a worker returns nothing, or `Result<(), E>` with `E: Display`; results go into a shared reacton"
)]
pub trait Outcome {
    /// Converts the result: the error becomes its message.
    ///
    /// # Errors
    /// If the worker returned an error.
    fn done(self) -> Result<(), String>;
}

impl Outcome for () {
    fn done(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn done(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// A worker that never returns: it loops until its thread ends, or panics.
impl Outcome for Never {
    fn done(self) -> Result<(), String> {
        self
    }
}

/// The type `!`. It cannot be named on stable Rust, but a function may return it.
type Never = <fn() -> ! as returns::Returns>::Value;

mod returns {
    pub trait Returns {
        type Value;
    }

    impl<T> Returns for fn() -> T {
        type Value = T;
    }
}
