//! The statistics of a worker or of a pool as a reacton of the main store, written in the turn after they have changed.
//! Until a program asks for the reacton, this costs nothing. From then on a change on any thread posts one item to the
//! inbox of the main store, and no other until that one is applied. So however many messages cross meanwhile, the
//! reacton is written once.

use std::cell::OnceCell;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, ReadOnly};

/// A reacton that is created when it is first asked for.
pub(crate) struct Progress<T: 'static>(OnceCell<ReadOnly<T>>);

impl<T> Default for Progress<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T: Default + PartialEq + 'static> Progress<T> {
    /// The reacton, created with the value `now`.
    pub(crate) fn of(&self, store: Option<ReactonStore>, now: impl FnOnce() -> T) -> &ReadOnly<T> {
        self.0.get_or_init(|| {
            // If the store is gone, nothing can read the reacton, so it may belong to any other store.
            let store = store.unwrap_or_default();
            Wiring::of(&store).read_only(now(), T::default)
        })
    }

    /// Whether the reacton exists.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.get().is_some()
    }

    /// Writes the reacton, if it exists.
    pub(crate) fn show(&self, store: &ReactonStore, now: impl FnOnce() -> T) {
        if let Some(progress) = self.0.get() {
            Wiring::of(store).write(*progress, now());
        }
    }

    /// Removes the reacton, after its observers have been called with the final value.
    pub(crate) fn end(&self, store: &ReactonStore) {
        if let Some(progress) = self.0.get() {
            Wiring::of(store).end(*progress);
        }
    }
}
