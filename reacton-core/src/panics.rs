//! Panics of user code: each call is guarded by itself, so that what comes after it still happens.
//!
//! A panic that leaves a destructor while the thread unwinds aborts the process. So no more than one panic of
//! several calls goes on, and none does while the thread unwinds already. The panic hook has reported the others.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

/// What a panic carries.
pub type Payload = Box<dyn Any + Send>;

/// Calls `f`.
///
/// # Errors
/// If `f` panics: the payload. [`discard`] drops one that is not resumed.
pub fn guarded<U>(f: impl FnOnce() -> U) -> Result<U, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a payload. Its `Drop` is user code and may panic too; then the payload of that panic is leaked.
pub fn discard(payload: Payload) {
    if let Err(second) = guarded(|| drop(payload)) {
        mem::forget(second);
    }
}

/// Resumes a panic; drops it if the thread unwinds already, because a second one would abort the process.
pub fn resume(payload: Payload) {
    if thread::panicking() {
        discard(payload);
    } else {
        resume_unwind(payload);
    }
}

/// The message of a panic, if it has one.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(words) = payload.downcast_ref::<&str>() {
        (*words).to_owned()
    } else if let Some(words) = payload.downcast_ref::<String>() {
        words.clone()
    } else {
        String::from("a panic without a message")
    }
}

/// The first panic of several calls. A later one is dropped.
#[derive(Debug, Default)]
#[must_use = "the panic is to be resumed"]
pub struct FirstPanic {
    payload: Option<Payload>,
}

impl FirstPanic {
    /// No panic yet.
    pub const NONE: Self = Self { payload: None };

    /// One that has happened.
    pub fn of(payload: Payload) -> Self {
        Self { payload: Some(payload) }
    }

    /// Calls `f`. Returns `None` if it panics.
    pub fn guard<U>(&mut self, f: impl FnOnce() -> U) -> Option<U> {
        match guarded(f) {
            Ok(result) => Some(result),
            Err(payload) => {
                self.keep(payload);
                None
            }
        }
    }

    /// Keeps a panic if it is the first.
    pub fn keep(&mut self, payload: impl Into<Option<Payload>>) {
        match payload.into() {
            Some(payload) if self.payload.is_some() => discard(payload),
            Some(payload) => self.payload = Some(payload),
            None => {}
        }
    }

    /// Drops each of `items`, whatever the drops of the others do.
    pub fn drop_each<T>(&mut self, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter();
        // Entered again after each panic, with what is left: where nothing panics, there is one guard for all.
        while self.guard(|| drop_rest(&mut items)).is_none() {}
        self.guard(|| drop(items));
    }

    /// The payload.
    #[must_use]
    pub fn take(mut self) -> Option<Payload> {
        self.payload.take()
    }

    /// Drops the panic, if there is one, as [`discard`] does.
    pub fn forget(self) {
        drop(self);
    }

    /// Resumes the panic as [`resume`] does, if there is one: not while the thread unwinds.
    pub fn resume(self) {
        if let Some(payload) = self.take() {
            resume(payload);
        }
    }
}

impl Drop for FirstPanic {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.take() {
            discard(payload);
        }
    }
}

/// A value that is held across a call of user code. If that call panics, the drop of the value is guarded.
struct Kept<T>(Option<T>);

impl<T> Drop for Kept<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            drop_guarded(value);
        }
    }
}

/// Calls `f` with a value of the user's, and returns the value too. If `f` panics, the drop of the value is guarded.
#[inline]
pub(crate) fn keeping<T, U>(value: T, f: impl FnOnce(&mut T) -> U) -> (T, U) {
    let mut kept = Kept(Some(value));
    let result = kept.0.as_mut().map(f);
    match (kept.0.take(), result) {
        (Some(value), Some(result)) => (value, result),
        _ => unreachable!("`kept` is not reached from anywhere else"),
    }
}

#[cold]
fn drop_guarded<T>(value: T) {
    if let Err(payload) = guarded(|| drop(value)) {
        discard(payload);
    }
}

fn drop_rest<T>(items: &mut impl Iterator<Item = T>) {
    for item in items {
        drop(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a drop that panics");
        }
    }

    #[test]
    fn each_of_several_is_dropped_whatever_the_others_do() {
        let mut first = FirstPanic::NONE;
        first.drop_each([Bomb, Bomb, Bomb]);
        let payload = first.take().expect("they panicked");
        assert_eq!(panic_message(&*payload), "a drop that panics");
    }

    #[test]
    fn a_payload_whose_drop_panics_is_discarded() {
        let mut first = FirstPanic::NONE;
        for _ in 0..3 {
            assert_eq!(first.guard(|| std::panic::panic_any(Bomb)), None::<()>);
        }
        drop(first);
    }

    #[test]
    fn no_panic_is_resumed_while_another_unwinds() {
        struct Resumes;

        impl Drop for Resumes {
            fn drop(&mut self) {
                resume(Box::new("second"));
            }
        }

        let result = guarded(|| {
            let _resumes = Resumes;
            panic!("first");
        });
        assert_eq!(result.err().map(|payload| panic_message(&*payload)).as_deref(), Some("first"));
    }
}
