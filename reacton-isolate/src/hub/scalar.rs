//! Transactions of one number, `bool` or `char`, between two stores: no user code runs while such a value is packed or
//! installed, so that this takes no batch, no guard and no list. What is sent and what is taken in is decided as for any other.

use reacton_core::ReactonStore;
use reacton_core::wiring::{Extension, Wiring, Written};

use super::Hub;
use super::end::SentEvent;
use super::incoming::Arrival;
use super::route::Route;
use crate::wire::change::{Change, ChangeList, Version};
use crate::wire::value::Payload;

impl Hub {
    /// Sends the only change of a transaction by the only route there is. Returns `false` if its value is no scalar; then nothing
    /// was sent.
    #[inline]
    pub(super) fn send_scalar(
        &self,
        store: &ReactonStore,
        write: Written,
        version: Version,
        route: &Route,
    ) -> bool {
        let Written { id, announced, .. } = write;
        let sync = self.sync.borrow();
        let Some(slot) = route.slot(&sync, id, None) else { return true };
        drop(sync);
        let Some(bytes) = slot.encode_scalar(Wiring::of(store)) else { return false };
        let change = Change { id, version, announced, payload: Payload::Bytes(bytes) };
        self.last_bytes.note(slot, version, &change.payload);
        let Route::Link(_, link) = route else {
            route.send(store, version.clock, ChangeList::one(change));
            return true;
        };
        if let Some(event) = SentEvent::new(link, std::slice::from_ref(&change)) {
            self.events.borrow_mut().push(event);
        }
        link.send_change(change);
        true
    }

    /// Takes in the only change of a transaction that goes no further, and calls the observers. Returns `false` if its value
    /// is no scalar, or is to be sent on; then nothing was installed.
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
