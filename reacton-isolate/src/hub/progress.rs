//! The statistics of a worker or of a pool as a reacton of the main store, written in a turn after they have changed.
//!
//! Nothing is counted for it, and nothing is sent before a program has asked for it. From then on a change posts one note to the
//! inbox of the main store, whichever thread makes it, and no other note until that one is taken in. So however many
//! messages cross meanwhile, the reacton is written once.

use std::cell::OnceCell;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, ReadOnly};

/// A reacton that is made when it is first asked for.
pub(crate) struct Progress<T: 'static>(OnceCell<ReadOnly<T>>);

impl<T> Default for Progress<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T: Default + PartialEq + 'static> Progress<T> {
    /// The reacton, which begins with `now`.
    pub(crate) fn of(&self, store: Option<ReactonStore>, now: impl FnOnce() -> T) -> &ReadOnly<T> {
        self.0.get_or_init(|| {
            // If the store is gone, nothing can read the reacton: it may belong to any other.
            let store = store.unwrap_or_default();
            Wiring::of(&store).read_only(now(), T::default)
        })
    }

    /// Whether it was asked for.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.get().is_some()
    }

    /// Writes it, if it was asked for.
    pub(crate) fn show(&self, store: &ReactonStore, now: impl FnOnce() -> T) {
        if let Some(progress) = self.0.get() {
            Wiring::of(store).write(*progress, now());
        }
    }

    /// Ends the reacton, after its observers have been called with what it is now.
    pub(crate) fn end(&self, store: &ReactonStore) {
        if let Some(progress) = self.0.get() {
            Wiring::of(store).end(*progress);
        }
    }
}
