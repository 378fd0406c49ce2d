//! The other direction: what a worker does with the link to the store that spawned it.

use std::fmt;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, WeakStore, Writable};

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
    link: LinkId,
}

impl MainLink {
    /// The link of `store` to the store that spawned it. `None` if `store` is nobody's worker, or is one no longer.
    #[must_use]
    pub fn of(store: &ReactonStore) -> Option<Self> {
        let link = Hub::find(store)?.parent()?;
        Some(Self { store: store.downgrade(), link })
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
        if let (Some(id), Some(hub)) = (id, hub) {
            hub.set_subscribed(&store, self.link, id, subscribed);
        }
    }
}

impl fmt::Debug for MainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MainLink")
    }
}
