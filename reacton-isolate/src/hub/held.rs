//! Checks of debug builds: a shared value that has changed without a write, and a value that is written again and again
//! because it is not equal to itself.

use std::cell::RefCell;
use std::rc::Rc;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, RefId, RefMap};

use super::Hub;
use crate::error::LinkError;
use crate::shared::SharedSlot;
use crate::wire::change::Version;
use crate::wire::value::{Encoded, Payload};

/// Larger values are not checked: decoding them in each turn would take too long.
const LOOKED_AT: usize = 4096;

/// The number of times in a row that the same bytes of a value unequal to itself are sent or received before a report.
const REPEATED: u32 = 100;

/// The bytes with which a shared value was last sent or received.
#[derive(Clone)]
struct Last {
    version: Version,
    bytes: Encoded,
    /// How many times in a row they were the same.
    repeats: u32,
}

/// The last bytes of each shared reacton. Empty in release builds.
#[derive(Default)]
pub(super) struct LastBytes(RefCell<RefMap<Last>>);

impl LastBytes {
    /// Records a value of `slot` that this store and the others hold.
    pub(super) fn note(&self, slot: &SharedSlot, version: Version, payload: &Payload) {
        if !cfg!(debug_assertions) || slot.is_plain() {
            return;
        }
        let id = slot.reacton_ref().id();
        match payload {
            Payload::Bytes(bytes) if bytes.len() <= LOOKED_AT => {
                let mut all = self.0.borrow_mut();
                let same = all.get(&id).filter(|last| *last.bytes == **bytes);
                let repeats = same.map_or(0, |last| last.repeats + 1);
                all.insert(id, Last { version, bytes: bytes.clone(), repeats });
            }
            _ => self.forget(id),
        }
    }

    /// Forgets a value that the other stores do not hold.
    pub(super) fn forget(&self, id: RefId) {
        self.0.borrow_mut().remove(&id);
    }
}

impl Hub {
    /// Reports each shared value that differs from what the other stores hold in this version, because it was changed
    /// through a `Cell` or by an `update_if` that returned `false`; and each that is written again and again because it
    /// is not equal to itself. Each is reported once until the next write.
    pub(super) fn report_odd_values(&self, store: &ReactonStore) {
        if !cfg!(debug_assertions) || self.last_bytes.0.borrow().is_empty() {
            return;
        }
        let wiring = Wiring::of(store);
        let all: Vec<_> =
            self.last_bytes.0.borrow().iter().map(|(id, last)| (*id, last.clone())).collect();
        for (id, last) in all {
            if self.sync.borrow().version(id) != last.version {
                continue;
            }
            let sharing: Vec<_> = {
                let links = self.links.borrow();
                links.links_bringing(id).map(|(_, link)| Rc::clone(link)).collect()
            };
            let Some(slot) = sharing.first().and_then(|link| link.slot(id)) else { continue };
            let reacton = slot.reacton_ref().name().into();
            let error = if slot.differs_from(wiring, &last.bytes) {
                LinkError::ChangedInPlace { reacton }
            } else if last.repeats >= REPEATED && slot.is_unequal_to_itself(wiring) {
                LinkError::NeverEqual { reacton }
            } else {
                continue;
            };
            self.last_bytes.forget(id);
            for link in &sharing {
                link.report(store, error.clone());
            }
        }
    }
}
