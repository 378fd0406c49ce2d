//! The end of a link, from either side.

use std::rc::Rc;

use reacton_core::wiring::{Role, Wiring};
use reacton_core::{FirstPanic, ReactonStore, RefId};

use super::{Hub, Link};
use crate::sync::LinkId;
use crate::wire::message::CloseReason;

impl Hub {
    /// Called when the other end has sent its last item.
    pub(super) fn closed(&self, store: &ReactonStore, id: LinkId, reason: CloseReason) {
        let Some(link) = self.forget(store, id) else { return };
        if let Some(owner) = &link.owner {
            Rc::clone(owner).closed(store, self, reason);
        }
        // Drops what is still queued on the link, which may run user code.
        drop(link);
    }

    fn forget(&self, store: &ReactonStore, id: LinkId) -> Option<Rc<Link>> {
        let (link, orphans) = self.links.borrow_mut().remove(id)?;
        self.sync.borrow_mut().leave(id);
        self.resumed_later.borrow_mut().remove(&id);
        Self::unsync(store, orphans);
        // A round of marks does not wait for it any more.
        self.go_on_with_round(store);
        Some(link)
    }

    /// Stops the synchronisation of reactons that no link shares any more.
    pub(super) fn unsync(store: &ReactonStore, ids: Vec<RefId>) {
        for id in ids {
            Wiring::of(store).unwatch(id, Role::Links);
        }
    }

    /// Closes a link immediately. Returns whether it was open. Dropping what is queued on it may run user code.
    pub(crate) fn close(&self, store: &ReactonStore, id: LinkId, panics: &mut FirstPanic) -> bool {
        let Some(link) = self.forget(store, id) else { return false };
        panics.guard(|| link.cancel_and_close());
        panics.guard(|| drop(link));
        true
    }
}
