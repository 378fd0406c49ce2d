//! In debug builds: whether a shared value has changed although nothing wrote to it.

use std::cell::RefCell;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, RefId, RefMap};

use super::Hub;
use crate::error::LinkError;
use crate::message::{Encoded, Payload, Version};
use crate::shared::SharedSlot;

/// Larger values are not looked at: decoding them at each turn would take too long.
const LOOKED_AT: usize = 4096;

/// The bytes as which each shared value was last sent or received, with the version that it had then. Empty in release
/// builds.
#[derive(Default)]
pub(super) struct LastBytes(RefCell<RefMap<(Version, Encoded)>>);

impl LastBytes {
    /// The other stores hold this value of `slot`, and so does this one.
    pub(super) fn note(&self, slot: &SharedSlot, version: Version, payload: &Payload) {
        if !cfg!(debug_assertions) || !slot.may_change_in_place() {
            return;
        }
        let id = slot.reacton_ref().id();
        match payload {
            Payload::Bytes(bytes) if bytes.len() <= LOOKED_AT => {
                self.0.borrow_mut().insert(id, (version, bytes.clone()));
            }
            _ => self.forget(id),
        }
    }

    /// The other stores do not hold the value that this one holds.
    pub(super) fn forget(&self, id: RefId) {
        self.0.borrow_mut().remove(&id);
    }

    fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    fn all(&self) -> Vec<(RefId, Version, Encoded)> {
        let entries = self.0.borrow();
        entries.iter().map(|(id, (version, bytes))| (*id, *version, bytes.clone())).collect()
    }
}

impl Hub {
    /// Reports each shared value that is another one than the other stores know in this version: it was changed through a
    /// `Cell`, or by an `update_if` that returned `false`. Each is reported once.
    pub(super) fn report_changed_in_place(&self, store: &ReactonStore) {
        if !cfg!(debug_assertions) || self.last_bytes.is_empty() {
            return;
        }
        let wiring = Wiring::of(store);
        for (id, version, bytes) in self.last_bytes.all() {
            if self.sync.borrow().version(id) != version {
                continue;
            }
            let sharing: Vec<_> = {
                let links = self.links.borrow();
                links.values().filter(|link| link.slots.contains_key(&id)).cloned().collect()
            };
            let slot = sharing.first().and_then(|link| link.slots.get(&id));
            let Some(slot) = slot.filter(|slot| slot.differs_from(wiring, &bytes)) else {
                continue;
            };
            self.last_bytes.forget(id);
            for link in &sharing {
                let reacton = slot.reacton_ref().name();
                link.report(store, LinkError::ChangedInPlace { reacton });
            }
        }
    }
}
