//! A fast path for transactions of one number, `bool` or `char` between two stores. No user code runs while such a
//! value is encoded or installed, so this needs no batch, no guard and no list. The rules are the same as for other
//! values.

use std::slice;

use reacton_core::ReactonStore;
use reacton_core::wiring::{Extension, Wiring, Written};

use super::Hub;
use super::end::SentEvent;
use super::incoming::Arrival;
use super::route::Route;
use crate::shared::SharedSlot;
use crate::wire::change::{Change, ChangeList, Version};
use crate::wire::value::Payload;

impl Hub {
    /// Sends the only change of a transaction on the only route. Returns `false` and sends nothing if its value is not
    /// a scalar.
    #[inline]
    pub(super) fn send_scalar(
        &self,
        store: &ReactonStore,
        write: Written,
        version: Version,
        route: &Route,
    ) -> bool {
        let Written { id, announced, .. } = write;
        let pack = |slot: &SharedSlot| {
            let payload = Payload::Bytes(slot.encode_scalar(Wiring::of(store))?);
            self.last_bytes.note(slot, version, &payload);
            Some(Change { id, version, announced, payload })
        };
        match route {
            Route::Link(number, link) => {
                let sync = self.sync.borrow();
                let Some(slot) = link.sent(&sync, *number, id, None) else { return true };
                drop(sync);
                let Some(change) = pack(&slot.shared) else { return false };
                if let Some(event) = SentEvent::new(link, slice::from_ref(&change)) {
                    self.events.borrow_mut().push(event);
                }
                link.send_change(store, change, slot);
            }
            Route::Pool(_, pool) => {
                let Some(slot) = pool.job_slot(id) else { return true };
                let Some(change) = pack(slot) else { return false };
                pool.enqueue(store, version.clock, ChangeList::one(change));
            }
        }
        true
    }

    /// Installs the only change of a transaction that is not forwarded, and calls the observers. Returns `false` and
    /// installs nothing if its value is not a scalar or has to be forwarded.
    #[inline]
    pub(super) fn install_scalar<W: Fn(&Change) -> bool>(
        &self,
        store: &ReactonStore,
        arrival: &Arrival<'_, W>,
        change: &Change,
    ) -> bool {
        let Payload::Bytes(bytes) = &change.payload else { return false };
        if self.links.borrow().is_relayed(change.id, arrival.from) {
            return false;
        }
        let wiring = Wiring::of(store);
        self.interruptible();
        let Some(slot) = arrival.slot(change) else { return true };
        if !slot.install_scalar(wiring, bytes, change.announced) {
            return false;
        }
        let version = arrival.version(change.id, change.version);
        self.hold(slot, change.id, version, &change.payload);
        self.batch_ended(store);
        wiring.flush_observers();
        true
    }
}
