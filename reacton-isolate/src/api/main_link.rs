//! The worker's handle to the link to its main store.

use std::fmt;

use reacton_core::{Pausable, ReactonStore, WeakStore};

use super::flush::Flush;
use crate::hub::Hub;
use crate::sync::LinkId;

/// The link from a worker's store to the store that spawned it.
///
/// With it a worker pauses reactons, as main does with [`IsolateStore::pause`](crate::IsolateStore::pause): main's
/// changes of a reacton do not arrive while the worker does not need them.
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
    /// `None` if the store has no main store: then the methods do nothing.
    link: Option<LinkId>,
}

impl MainLink {
    /// The link of `store` to the store that spawned it. `None` if `store` is not the store of a worker, or if its
    /// worker has ended.
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

    /// Waits until at most `n` messages of this worker are queued at its main store. A worker that writes faster than
    /// main takes turns calls it in its loop, so that its queue does not grow. Each transaction is one message, and so
    /// is each answer of a call.
    ///
    /// Await the result, or call [`wait`](Flush::wait), which blocks the thread and takes no turn. In a store that is
    /// not a worker's, it is ready at once.
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

    /// Stops applying the changes of `reacton` that main sends, at once, even those that are queued. Main receives a
    /// message and stops sending them.
    pub fn pause(&self, reacton: &impl Pausable) {
        self.set_subscribed(reacton, false);
    }

    /// Applies the changes of `reacton` that main sends again, beginning with the newest value that was missed.
    pub fn resume(&self, reacton: &impl Pausable) {
        self.set_subscribed(reacton, true);
    }

    fn set_subscribed(&self, reacton: &impl Pausable, subscribed: bool) {
        let Some(store) = self.store.upgrade() else { return };
        let (id, hub) = (reacton.__shared_id(&store), Hub::find(&store));
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
