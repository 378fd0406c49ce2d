//! What is saved, and how: the builder.

use std::fmt;
use std::time::Duration;

use reacton_core::{ReactonRef, ReactonStore, RefId, RefMap};
use reacton_isolate::SharedSlot;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::OpenError;
use crate::handle::Saved;
use crate::migration::{Migrate, Steps};
use crate::opening;
use crate::storage::Storage;

/// How much a kill may lose by default.
const EVERY: Duration = Duration::from_millis(250);

/// The reactons that are saved together: made by [`saved!`](crate::saved).
#[derive(Debug, Clone)]
pub struct SavedSet {
    pub(crate) slots: Vec<SharedSlot>,
}

impl SavedSet {
    #[doc(hidden)]
    #[must_use]
    pub fn __of(slots: &'static [SharedSlot]) -> Self {
        Self { slots: slots.to_vec() }
    }
}

/// All of them together. What is in two of them is refused by [`Persist::open`].
impl FromIterator<SavedSet> for SavedSet {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        Self { slots: sets.into_iter().flat_map(|set| set.slots).collect() }
    }
}

/// Saves reactons of one store, and restores them when the program starts again.
///
/// # Examples
/// ```
/// use reacton::persist::{JsonFile, Persist, saved};
/// use reacton::prelude::*;
/// use serde::{Deserialize, Serialize};
/// use std::time::Duration;
///
/// #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
/// struct Settings {
///     theme: String,
///     size: f32,
/// }
///
/// /// What a build before this one has saved.
/// #[derive(Deserialize)]
/// struct SettingsV1 {
///     dark: bool,
/// }
///
/// #[reacton(id = "settings")]
/// static SETTINGS: Settings = Settings { theme: "light".into(), size: 12.0 };
///
/// # let folder = tempfile::tempdir()?;
/// let store = ReactonStore::new();
/// let saved = Persist::new(saved![SETTINGS])
///     .every(Duration::from_millis(100))
///     .migrate(&SETTINGS, 2, |old: SettingsV1| Settings {
///         theme: if old.dark { "dark".into() } else { "light".into() },
///         size: 12.0,
///     })
///     .open(&store, JsonFile::at(folder.path().join("settings.json")))?;
/// for problem in &store.get(saved.problems()) {
///     println!("{problem}");
/// }
/// # drop(saved);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is saved before `open` is called"]
pub struct Persist {
    pub(crate) slots: Vec<SharedSlot>,
    pub(crate) every: Duration,
    pub(crate) steps: RefMap<Steps>,
    pub(crate) migrated: Vec<ReactonRef>,
}

impl Persist {
    /// Saves these reactons.
    pub fn new(set: SavedSet) -> Self {
        let (steps, migrated) = (RefMap::default(), Vec::new());
        Self { slots: set.slots, every: EVERY, steps, migrated }
    }

    /// Sets how much a kill may lose: writes wait for so long, and are then written together. 250 ms by default.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// States how values of the version `to` are made of those of the version before. Steps chain: a value of version 1 is read by the
    /// step to 2 and then by the step to 3. Without any step, the version is 1. For a map and a list the step is for its items.
    ///
    /// A field that was only added needs no step, if serde has a `default` for it.
    pub fn migrate<R: Migrate, Old: DeserializeOwned + 'static, New: Serialize + 'static>(
        mut self,
        reacton: &'static R,
        to: u32,
        step: impl Fn(Old) -> New + 'static,
    ) -> Self {
        let rref = reacton.__of();
        self.migrated.push(rref);
        self.steps.entry(rref.id()).or_default().add(to, R::__step(step));
        self
    }

    /// Reads what was saved, installs it as one transaction, and saves from then on.
    ///
    /// What is in the file takes the place of what the store holds. What the store holds and the file does not stays, and is saved. Workers
    /// that share a reacton get its value, whether they were spawned before this or are spawned later. Reading is the only thing that is
    /// done on the thread of the store.
    ///
    /// If the file or its folder cannot be written to, or the disk is full, this returns nevertheless, and the status says why; it is tried
    /// again. A value that cannot be read is no error either, but one of the [`problems`](Saved::problems).
    ///
    /// # Errors
    /// If another process has opened the file; if it cannot be read; inside a batch, a computed or an observer.
    ///
    /// # Panics
    /// With the first panic of an observer that is called for what was installed.
    pub fn open(
        self,
        store: &ReactonStore,
        storage: impl Storage + 'static,
    ) -> Result<Saved, OpenError> {
        self.check(store)?;
        opening::open(self, store, Box::new(storage))
    }

    fn check(&self, store: &ReactonStore) -> Result<(), OpenError> {
        let wiring = reacton_core::wiring::Wiring::of(store);
        if wiring.is_stopped() {
            return Err(OpenError::Disposed);
        }
        if wiring.is_busy() {
            return Err(OpenError::Nested);
        }
        let mut seen: RefMap<&SharedSlot> = RefMap::default();
        for slot in &self.slots {
            let second = slot.reacton_ref();
            if let Some(first) = seen.insert(second.id(), slot) {
                let (first, second) = (first.reacton_ref().name(), second.name());
                return Err(OpenError::Duplicate { first, second, id: name(slot) });
            }
        }
        let unlisted = |rref: &&ReactonRef| !seen.contains_key::<RefId>(&rref.id());
        match self.migrated.iter().find(unlisted) {
            Some(rref) => Err(OpenError::NotListed { reacton: rref.name() }),
            None => Ok(()),
        }
    }
}

/// The name of a reacton in the file.
pub(crate) fn name(slot: &SharedSlot) -> &'static str {
    slot.id().unwrap_or(slot.reacton_ref().name())
}

impl fmt::Debug for Persist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Persist")
            .field("slots", &self.slots)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}
