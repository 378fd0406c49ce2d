//! What goes out: each value packed once in each form that is asked for, and put on every link that wants it.

use std::rc::Rc;

use reacton_core::wiring::{Moment, Wiring};
use reacton_core::{FirstPanic, ReactonStore, RefId};

use super::end::SentEvent;
use super::{Hub, Link};
use crate::error::LinkError;
use crate::message::{Change, ChangeList, Payload, Version};
use crate::pool::Crew;
use crate::shared::{Form, SharedSlot};
use crate::sync::{LinkId, Sync};

/// A change that is to go out.
pub(super) struct Outgoing {
    pub(super) id: RefId,
    pub(super) version: Version,
    pub(super) announced: bool,
    /// The value as it was received: it is sent on as it came.
    pub(super) received: Option<Payload>,
}

/// One value in the forms that the links ask for, each made once.
///
/// It is packed as it was committed, or installed: packing is user code, which may have written since.
#[derive(Default)]
struct Packed {
    bytes: Option<Payload>,
    counted: Option<Payload>,
}

impl Packed {
    fn of(received: Option<Payload>) -> Self {
        let mut packed = Self::default();
        if let Some(payload) = received {
            let form = match payload {
                Payload::Bytes(_) => Form::Bytes,
                Payload::Counted(_) => Form::Counted,
            };
            *packed.place(form) = Some(payload);
        }
        packed
    }

    fn place(&mut self, form: Form) -> &mut Option<Payload> {
        match form {
            Form::Bytes => &mut self.bytes,
            Form::Counted => &mut self.counted,
        }
    }

    fn pack(
        &mut self,
        slot: &SharedSlot,
        wiring: Wiring<'_>,
        panics: &mut FirstPanic,
    ) -> Result<(), LinkError> {
        let place = self.place(slot.form());
        if place.is_none() {
            *place = Some(slot.pack(wiring, Moment::Committed, panics)?);
        }
        Ok(())
    }

    /// For one that asks.
    fn into(
        mut self,
        slot: &SharedSlot,
        wiring: Wiring<'_>,
        panics: &mut FirstPanic,
    ) -> Result<Payload, LinkError> {
        let packed = self.place(slot.form()).take();
        packed.map_or_else(|| slot.pack(wiring, Moment::Committed, panics), Ok)
    }
}

/// Where changes go.
pub(super) enum Way {
    Link(LinkId, Rc<Link>),
    /// To whoever of the members of a pool is free.
    Crew(Rc<Crew>),
}

impl Way {
    /// How `id` goes this way, if it does.
    fn slot(&self, sync: &Sync, id: RefId, from: Option<LinkId>) -> Option<&SharedSlot> {
        match self {
            Self::Link(link, end) => {
                let goes = end.crew().is_none_or(|crew| crew.is_for_all(id));
                end.slots.get(&id).filter(|_| goes && sync.sends(*link, id, from))
            }
            Self::Crew(crew) => crew.job_slot(id),
        }
    }

    fn send(&self, store: &ReactonStore, clock: u64, changes: ChangeList) {
        match self {
            Self::Link(_, link) => link.send_changes(clock, changes),
            Self::Crew(crew) => crew.give(store, clock, changes.into_iter().collect()),
        }
    }

    /// Who is told that a value did not get this way.
    fn blamed(&self) -> Option<Rc<Link>> {
        match self {
            Self::Link(_, link) => Some(Rc::clone(link)),
            Self::Crew(_) => None,
        }
    }
}

impl Hub {
    /// Whether what comes in over a link may have to be sent on: that link, at least, is there.
    pub(super) fn is_relayed(&self) -> bool {
        self.links.borrow().len() > 1 || !self.crews.borrow().is_empty()
    }

    /// Sends changes wherever they are wanted, but not back over the link that they came by, nor to the pool.
    pub(super) fn send_out(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        from: Option<LinkId>,
    ) {
        let links = self.links.borrow();
        let open = links.iter().filter(|(id, link)| Some(**id) != from && !link.drained.get());
        let open = open.map(|(id, link)| Way::Link(*id, Rc::clone(link)));
        let whose = from.and_then(|from| links.get(&from)?.crew().cloned());
        let crews = self.crews.borrow();
        let others =
            crews.iter().filter(|crew| !whose.as_ref().is_some_and(|own| Rc::ptr_eq(own, crew)));
        let mut ways = open.chain(others.map(|crew| Way::Crew(Rc::clone(crew))));
        let (Some(first), second) = (ways.next(), ways.next()) else { return };
        if let Some(second) = second {
            let ways: Vec<_> = [first, second].into_iter().chain(ways).collect();
            drop((links, crews));
            self.send_over(store, changes, &ways, from);
        } else {
            drop(ways);
            drop((links, crews));
            self.send_over_one(store, changes, &first, from);
        }
    }

    /// Sends changes the only way there is: as [`send_over`](Self::send_over) does, without lists of one.
    pub(super) fn send_over_one(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        way: &Way,
        from: Option<LinkId>,
    ) {
        let wiring = Wiring::of(store);
        let mut list = ChangeList::NONE;
        let mut troubles = Vec::new();
        let mut panics = FirstPanic::default();
        for Outgoing { id, version, announced, received } in changes {
            let slot = way.slot(&self.sync.borrow(), id, from);
            let Some(slot) = slot else { continue };
            match Packed::of(received).into(slot, wiring, &mut panics) {
                Ok(payload) => {
                    self.last_bytes.note(slot, version, &payload);
                    list.push(Change { id, version, announced, payload });
                }
                Err(error) => {
                    self.disown(id);
                    troubles.extend(way.blamed().map(|link| (link, error)));
                }
            }
        }
        if !list.is_empty() {
            // On a line of its own: sending may run code that writes here.
            let clock = self.sync.borrow().clock();
            panics.guard(|| self.put(store, way, clock, list));
        }
        for (link, error) in troubles {
            link.report(store, error);
        }
        panics.resume();
    }

    /// Puts the changes of one transaction on one of the ways that they go.
    fn put(&self, store: &ReactonStore, way: &Way, clock: u64, changes: ChangeList) {
        if let Way::Link(_, link) = way
            && let Some(event) = SentEvent::new(link, &changes)
        {
            self.events.borrow_mut().push(event);
        }
        way.send(store, clock, changes);
    }

    fn send_over(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        ways: &[Way],
        from: Option<LinkId>,
    ) {
        let wiring = Wiring::of(store);
        let mut lists: Vec<_> = ways.iter().map(|_| ChangeList::NONE).collect();
        let mut troubles = Vec::new();
        let mut panics = FirstPanic::default();
        for Outgoing { id, version, announced, received } in changes {
            let sync = self.sync.borrow();
            let targets: Vec<_> = ways
                .iter()
                .zip(&mut lists)
                .filter_map(|(way, list)| Some((way, way.slot(&sync, id, from)?, list)))
                .collect();
            drop(sync);
            let mut packed = Packed::of(received);
            let failure = targets
                .iter()
                .find_map(|(_, slot, _)| packed.pack(slot, wiring, &mut panics).err());
            if let Some(error) = failure {
                // Sent on no link, also on those where it need not be encoded (rule 6).
                self.disown(id);
                let blamed = targets.iter().filter_map(|(way, _, _)| way.blamed());
                troubles.extend(blamed.map(|link| (link, error.clone())));
                continue;
            }
            for (_, slot, list) in targets {
                if let Some(payload) = packed.place(slot.form()).clone() {
                    self.last_bytes.note(slot, version, &payload);
                    list.push(Change { id, version, announced, payload });
                }
            }
        }
        let clock = self.sync.borrow().clock();
        for (way, changes) in ways.iter().zip(lists) {
            if !changes.is_empty() {
                self.interruptible();
                // Each link is sent to, even if what it displaces panics (rule 8).
                panics.guard(|| self.put(store, way, clock, changes));
            }
        }
        for (link, error) in troubles {
            link.report(store, error);
        }
        panics.resume();
    }

    /// A value could not be sent: any other may replace it (rule 6).
    fn disown(&self, id: RefId) {
        self.sync.borrow_mut().disown(id);
        self.last_bytes.forget(id);
    }
}
