//! The other direction: what a worker does with the link to the store that spawned it.

use std::fmt;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, WeakStore, Writable};

use super::flush::Flush;
use crate::hub::Hub;
use crate::sync::LinkId;

/// The link from a worker's store to the store that spawned it.
///
/// What [`IsolateStore::pause`](crate::IsolateStore::pause) is for main, this is for the worker: it stops what main
/// writes to a reacton from coming in while nobody here has a use for it.
///
/// # Examples
/// ```
/// # use reacton_core::{Reacton, ReactonStore};
/// # use reacton_isolate::MainLink;
/// # static FRAME: Reacton<u32> = Reacton::<u32>::__new("doc::FRAME", || 0);
/// fn preview(store: &ReactonStore) {
///     if let Some(main) = MainLink::of(store) {
///         main.pause(&FRAME); // costs nothing on the link from here on
///         main.resume(&FRAME); // brings the newest
///     }
/// }
/// # preview(&ReactonStore::new());
/// ```
pub struct MainLink {
    store: WeakStore,
    /// `None` if the store has no main store: then nothing is done.
    link: Option<LinkId>,
}

impl MainLink {
    /// The link of `store` to the store that spawned it. `None` if `store` is nobody's worker, or is one no longer.
    #[must_use]
    pub fn of(store: &ReactonStore) -> Option<Self> {
        let link = Hub::find(store)?.parent()?;
        Some(Self { store: store.downgrade(), link: Some(link) })
    }

    /// As [`of`](Self::of), for a store that need not be a worker's.
    pub(super) fn of_any(store: &ReactonStore) -> Self {
        let link = Hub::find(store).and_then(|hub| hub.parent());
        Self { store: store.downgrade(), link }
    }

    /// Waits until at most `n` messages of this worker are queued at its main store. A worker that writes faster than main takes turns
    /// calls it in its loop, so that its queue does not grow: each transaction is one message, and each answer.
    ///
    /// Awaited, or [waited](Flush::wait) for, which blocks the thread and takes no turn. It is ready at once in a store that is no
    /// worker's.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Reacton, ReactonStore};
    /// # use reacton_isolate::{Calls, FlushError, IsolateStore, SharedSlot};
    /// # use std::time::Duration;
    /// # static LINE: Reacton<u64> = Reacton::<u64>::__new("doc::LINE", || 0);
    /// # let store = ReactonStore::new();
    /// # let shared = [SharedSlot::of(&LINE)];
    /// let reader = IsolateStore::spawn(&store, shared, |store| -> Result<(), FlushError> {
    ///     for line in 1..=1000 {
    ///         store.set(&LINE, line);
    ///         store.main().flush(64).wait(Duration::from_secs(10))?;
    ///     }
    ///     Ok(())
    /// })?;
    /// store.run_until(Duration::from_secs(10), |store| store.get(&LINE) == 1000)?;
    /// # drop(reader);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self, n: usize) -> Flush {
        Flush::new(self.store.clone(), self.link, n)
    }

    /// Stops taking in what main writes to `reacton`, or sends on, at once: what is on its way too. Main is told, so that
    /// it sends no more of it.
    pub fn pause(&self, reacton: &impl Writable) {
        self.set_subscribed(reacton, false);
    }

    /// Takes in again what main writes to `reacton`, beginning with what was missed.
    pub fn resume(&self, reacton: &impl Writable) {
        self.set_subscribed(reacton, true);
    }

    fn set_subscribed(&self, reacton: &impl Writable, subscribed: bool) {
        let Some(store) = self.store.upgrade() else { return };
        let (id, hub) = (Wiring::of(&store).id_of(reacton), Hub::find(&store));
        if let (Some(id), Some(hub), Some(link)) = (id, hub, self.link) {
            hub.set_subscribed(&store, link, id, subscribed);
        }
    }
}

impl fmt::Debug for MainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MainLink")
    }
}
