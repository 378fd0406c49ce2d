//! Panics of user code that must not interrupt what runs it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::derive::Payload;

/// Runs steps of which each has to happen even if an earlier one panics, and keeps the first panic.
#[derive(Debug, Default)]
pub struct FirstPanic(Option<Payload>);

impl FirstPanic {
    /// One that has happened.
    pub fn of(payload: Box<dyn Any + Send>) -> Self {
        Self(Some(payload))
    }

    /// Runs `f`. Returns `None` if it panicked.
    pub fn guard<U>(&mut self, f: impl FnOnce() -> U) -> Option<U> {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(result) => Some(result),
            Err(payload) => {
                self.keep(payload);
                None
            }
        }
    }

    /// Keeps `payload` unless there was a panic before.
    pub fn keep(&mut self, payload: Payload) {
        if self.0.is_none() {
            self.0 = Some(payload);
        } else {
            Self::of(payload).forget();
        }
    }

    /// Drops the panic, if there was one. What it carries may panic when it is dropped.
    pub fn forget(self) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(self.0))) {
            std::mem::forget(payload);
        }
    }

    /// As [`resume`](Self::resume), for a destructor: nothing if this thread unwinds, where a second panic would end
    /// the process.
    pub fn resume_in_drop(self) {
        if thread::panicking() {
            self.forget();
        } else {
            self.resume();
        }
    }

    /// The first panic, if there was one.
    pub fn take(self) -> Option<Payload> {
        self.0
    }

    /// Resumes the first panic, if there was one.
    pub fn resume(self) {
        if let Some(payload) = self.0 {
            resume_unwind(payload);
        }
    }
}
