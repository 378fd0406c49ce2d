//! Removals that every store has are forgotten: the marks and sweeps that go through the tree (M10).

use std::rc::Rc;

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, ReactonStore, RefId};

use super::{Hub, Link};
use crate::error::LinkError;
use crate::sync::{LinkId, RoundStep};
use crate::wire::message::{IsolateMessage, NO_MARK};

impl Hub {
    /// Begins a round if one of these values remembers too many removals, and no store above shares it.
    #[cold]
    pub(super) fn begin_round_if_worth(
        &self,
        store: &ReactonStore,
        ids: impl Iterator<Item = RefId>,
    ) {
        let is_worth = |id: RefId| {
            let slot = self.links.borrow().slot(id);
            let Some(slot) = slot.filter(|slot| slot.has_entries() && self.is_uppermost(id)) else {
                return false;
            };
            let (removals, entries) = slot.counts(Wiring::of(store));
            self.sync.borrow().is_worth_a_round(id, removals, entries)
        };
        let mut ids = ids;
        if ids.any(is_worth) {
            self.begin_round(store);
        }
    }

    /// Begins a round for all values that are made of entries and of which this store is the uppermost.
    pub(crate) fn begin_round(&self, store: &ReactonStore) {
        let own: Vec<_> = {
            let links = self.links.borrow();
            let ids = links.shared_ids().filter(|id| self.is_uppermost(*id));
            ids.filter(|id| links.slot(*id).is_some_and(|slot| slot.has_entries())).collect()
        };
        let below = self.below();
        let step = self.sync.borrow_mut().begin_round(own, &below);
        self.take_step(store, step);
        self.go_on_with_round(store);
    }

    /// Whether the store above this one, if there is one, does not share `id`.
    fn is_uppermost(&self, id: RefId) -> bool {
        let parent = self.parent.get().and_then(|parent| self.link(parent));
        parent.is_none_or(|parent| !parent.slots.contains_key(&id))
    }

    /// The links down over which a value crosses that is made of entries.
    fn below(&self) -> Vec<LinkId> {
        let parent = self.parent.get();
        let links = self.links.borrow();
        let below = links.by_id.iter().filter(|(id, link)| {
            Some(**id) != parent
                && !link.is_sink()
                && link.slots.values().any(|slot| slot.shared.has_entries())
        });
        below.map(|(id, _)| *id).collect()
    }

    /// Takes the steps that follow from answers and from the end of links.
    pub(super) fn go_on_with_round(&self, store: &ReactonStore) {
        while self.sync.borrow().has_round() {
            let below = self.below();
            let step = self.sync.borrow_mut().next_of_round(&below);
            if step == RoundStep::Nothing {
                return;
            }
            self.take_step(store, step);
        }
    }

    fn take_step(&self, store: &ReactonStore, step: RoundStep) {
        match step {
            RoundStep::Nothing => {}
            RoundStep::Mark { clock, to } => {
                for id in to {
                    // A link that drains gets nothing any more (rule 14), and is waited for until it is closed.
                    if let Some(link) = self.link(id).filter(|link| !link.is_drained()) {
                        link.outbox().send(IsolateMessage::Mark { clock });
                    }
                }
            }
            RoundStep::Answer { to, mark, clock, paused } => {
                if let Some(link) = self.link(to) {
                    link.outbox().send(IsolateMessage::Marked { mark, clock, paused });
                }
            }
            RoundStep::Sweep { clock, ids, kept } => {
                self.sweep(store, clock, &ids);
                for id in ids.into_iter().chain(kept) {
                    let slot = self.links.borrow().slot(id);
                    let left = slot.map_or(0, |slot| slot.counts(Wiring::of(store)).0);
                    self.sync.borrow_mut().set_left(id, left);
                }
            }
        }
    }

    /// Forgets removals, and lets the stores below do the same.
    fn sweep(&self, store: &ReactonStore, clock: u64, ids: &[RefId]) {
        // The drop of a key is user code. Some removals may be forgotten then.
        let mut panics = FirstPanic::default();
        for id in ids {
            let slot = self.links.borrow().slot(*id);
            if let Some(slot) = slot {
                panics.guard(|| slot.sweep(Wiring::of(store), clock));
                self.sync.borrow_mut().swept(*id, clock);
            }
        }
        for id in self.below() {
            if let Some(link) = self.link(id).filter(|link| !link.is_drained()) {
                link.outbox().send(IsolateMessage::Sweep { clock, ids: ids.to_vec() });
            }
        }
        panics.resume();
    }

    /// The store above asks.
    pub(super) fn take_mark(&self, store: &ReactonStore, id: LinkId, link: &Rc<Link>, clock: u64) {
        if self.parent.get() != Some(id) {
            return refuse(store, link);
        }
        if !self.follow_clock(store, id, link, clock) {
            return;
        }
        let below = self.below();
        let step = self.sync.borrow_mut().mark(id, clock, &below);
        self.take_step(store, step);
        self.go_on_with_round(store);
    }

    /// A store below answers.
    pub(super) fn take_marked(
        &self,
        store: &ReactonStore,
        id: LinkId,
        link: &Rc<Link>,
        mark: u64,
        clock: u64,
        paused: Vec<RefId>,
    ) {
        if self.parent.get() == Some(id) {
            return refuse(store, link);
        }
        if !self.follow_clock(store, id, link, clock) || mark == NO_MARK {
            return;
        }
        self.sync.borrow_mut().marked(id, mark, paused);
        self.go_on_with_round(store);
    }

    /// The store above says that removals can be forgotten.
    pub(super) fn take_sweep(&self, store: &ReactonStore, id: LinkId, clock: u64, ids: &[RefId]) {
        if self.parent.get() == Some(id) {
            self.sweep(store, clock, ids);
        } else if let Some(link) = self.link(id) {
            refuse(store, &link);
        }
    }
}

#[cold]
fn refuse(store: &ReactonStore, link: &Rc<Link>) {
    let reason =
        String::from("marks come from the store that spawned, and their answers from below");
    link.report(store, LinkError::Malformed { reason });
}
