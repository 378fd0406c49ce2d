//! Panics of user code: each call has its own guard, so that a panic does not skip the steps after it.
//!
//! A panic that leaves a destructor while the thread unwinds aborts the process. So only the first panic of several
//! calls is resumed, and none while the thread already unwinds. The panic hook has reported the others.

use std::any::Any;
use std::mem::{self, needs_drop};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;
use std::thread;

/// What a panic carries.
pub type PanicPayload = Box<dyn Any + Send>;

/// Calls `f`.
///
/// # Errors
/// If `f` panics: the payload. [`discard`] drops one that is not resumed.
#[inline]
pub fn guarded<U>(f: impl FnOnce() -> U) -> Result<U, PanicPayload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a payload. Its `Drop` is user code and may panic too; then the payload of that panic is leaked.
#[cold]
pub fn discard(payload: PanicPayload) {
    if let Err(second) = guarded(|| drop(payload)) {
        mem::forget(second);
    }
}

/// Calls `f`, or drops what it holds, where no caller can use a panic: the panic is dropped, as [`discard`] does.
#[inline]
pub fn contained(f: impl FnOnce()) {
    if let Err(payload) = guarded(f) {
        discard(payload);
    }
}

/// Wakes a task. A waker is code of an executor: it may panic, and it may lock. So no lock of the library is held here.
pub fn wake(task: Waker) {
    contained(|| task.wake());
}

/// Resumes a panic; drops it if the thread unwinds already, because a second one would abort the process.
#[cold]
pub fn resume(payload: PanicPayload) {
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
    payload: Option<PanicPayload>,
}

impl FirstPanic {
    /// No panic yet.
    pub const NONE: Self = Self { payload: None };

    /// One that has happened.
    pub fn of(payload: PanicPayload) -> Self {
        Self { payload: Some(payload) }
    }

    /// Calls `f`. Returns `None` if it panics.
    #[inline]
    pub fn guard<U>(&mut self, f: impl FnOnce() -> U) -> Option<U> {
        match guarded(f) {
            Ok(result) => Some(result),
            Err(payload) => {
                self.keep_first(payload);
                None
            }
        }
    }

    /// Keeps a panic if it is the first.
    #[inline]
    pub fn keep(&mut self, payload: impl Into<Option<PanicPayload>>) {
        if let Some(payload) = payload.into() {
            self.keep_first(payload);
        }
    }

    #[cold]
    fn keep_first(&mut self, payload: PanicPayload) {
        if self.payload.is_some() {
            discard(payload);
        } else {
            self.payload = Some(payload);
        }
    }

    /// Whether there was a panic.
    #[inline]
    pub fn is_some(&self) -> bool {
        self.payload.is_some()
    }

    /// Drops each of `items`, whatever the drops of the others do.
    pub fn drop_each<T>(&mut self, items: impl IntoIterator<Item = T>) {
        let mut items = Some(items.into_iter());
        self.guard_rest(|| {
            if let Some(items) = &mut items {
                drop_rest(items);
            }
            items = None;
        });
    }

    /// Calls `f` until it returns. `f` does several things one after another, and continues with the rest after a
    /// panic.
    #[inline]
    pub(crate) fn guard_rest(&mut self, mut f: impl FnMut()) {
        while self.guard(&mut f).is_none() {}
    }

    /// The payload.
    #[must_use]
    #[inline]
    pub fn take(mut self) -> Option<PanicPayload> {
        self.payload.take()
    }

    /// Drops the panic, if there is one, as [`discard`] does.
    pub fn forget(self) {
        drop(self);
    }

    /// Resumes the panic as [`resume`] does, if there is one: not while the thread unwinds.
    #[inline]
    pub fn resume(self) {
        if let Some(payload) = self.take() {
            resume(payload);
        }
    }
}

impl Drop for FirstPanic {
    #[inline]
    fn drop(&mut self) {
        if let Some(payload) = self.payload.take() {
            discard(payload);
        }
    }
}

/// A value that is held across a call of user code. If that call panics, the drop of the value is guarded.
pub(crate) struct Kept<T>(Option<T>);

impl<T> Kept<T> {
    #[inline]
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    #[inline]
    pub(crate) fn of(value: Option<T>) -> Self {
        Self(value)
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.take()
    }

    /// The slot of the value.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut Option<T> {
        &mut self.0
    }
}

impl<T> Drop for Kept<T> {
    #[inline]
    fn drop(&mut self) {
        if needs_drop::<T>() && self.0.is_some() && thread::panicking() {
            drop_guarded(self.0.take());
        }
    }
}

/// Calls `f` with a user value, and returns the value too. If `f` panics, the drop of the value is guarded.
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
    contained(|| drop(value));
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
    fn each_of_several_values_is_dropped_though_another_panics() {
        let mut first = FirstPanic::NONE;
        first.drop_each([Bomb, Bomb, Bomb]);
        let payload = first.take().expect("a closure panicked");
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
