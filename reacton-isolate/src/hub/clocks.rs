//! The clocks that messages carry: how far they raise that of this store, and what the store above learns of it (rule 5).

use reacton_core::ReactonStore;

use super::Hub;
use super::end::{Link, MAX_LEAPS};
use crate::sync::{LEAP, LinkId};
use crate::wire::message::{CloseReason, IsolateMessage, NO_MARK};

impl Hub {
    /// Raises the clock to that of a message. Returns `false` if the message must be dropped: its clock is refused, or
    /// its link was closed.
    #[inline]
    pub(super) fn follow_clock(
        &self,
        store: &ReactonStore,
        id: LinkId,
        link: &Link,
        clock: u64,
    ) -> bool {
        let is_near = {
            let mut sync = self.sync.borrow_mut();
            sync.is_near(clock) && sync.raise(id, clock).is_ok()
        };
        is_near || self.follow_far(store, id, link, clock)
    }

    #[cold]
    fn follow_far(&self, store: &ReactonStore, id: LinkId, link: &Link, clock: u64) -> bool {
        let is_from_below = self.parent.get() != Some(id);
        if is_from_below {
            // The store above must measure the same leap as this one, and not a longer one.
            let own = self.sync.borrow().clock();
            self.tell_clock(own);
        }
        let refused = self.sync.borrow().refuses(id, clock);
        if let Some(implausible) = refused {
            link.report_clock(store, implausible);
            return false;
        }
        let is_leap = clock.saturating_sub(self.sync.borrow().clock()) >= LEAP;
        if is_from_below && is_leap && self.leaps_too_often(link) {
            self.close_for_clock(store, id, link);
            return false;
        }
        let raised = self.sync.borrow_mut().raise(id, clock);
        if is_from_below {
            self.tell_clock(clock);
        } else {
            self.sync.borrow_mut().told(clock);
        }
        raised.is_ok()
    }

    /// Raises the clock of the store above, before it receives anything with this clock.
    fn tell_clock(&self, clock: u64) {
        let Some(above) = self.parent.get() else { return };
        if !self.sync.borrow_mut().told(clock) {
            return;
        }
        if let Some(link) = self.link(above).filter(|link| !link.is_drained()) {
            link.outbox().send(IsolateMessage::Marked { mark: NO_MARK, clock, paused: Vec::new() });
        }
    }

    /// Counts a leap of the worker at the other end of a road. Returns whether it is one too many.
    fn leaps_too_often(&self, link: &Link) -> bool {
        if link.owner.is_none() || !link.outbox().is_road() {
            return false;
        }
        // The store above counts the leaps of all workers of this store as those of this store.
        let leaps = if self.parent.get().is_some() { &self.leaps } else { &link.leaps };
        leaps.set(leaps.get().saturating_add(1));
        leaps.get() > MAX_LEAPS
    }

    fn close_for_clock(&self, store: &ReactonStore, id: LinkId, link: &Link) {
        link.outbox().cancel();
        let message =
            String::from("it raised the clock by 2^32 or more three times, which no store does");
        self.closed(store, id, CloseReason::Failed { message });
    }
}
