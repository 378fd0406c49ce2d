//! What goes out: each value packed once in each form that is asked for, and put on every link that wants it.

use std::rc::Rc;

use reacton_core::wiring::{Moment, Wiring};
use reacton_core::{ReactonStore, RefId};

use super::{Hub, Link};
use crate::error::LinkError;
use crate::message::{Change, Payload, Version};
use crate::shared::{Form, SharedSlot};
use crate::sync::LinkId;

/// A change that is to go out.
pub(super) struct Outgoing {
    pub(super) id: RefId,
    pub(super) version: Version,
    pub(super) announced: bool,
    /// The value as it was received: it is sent on as it came.
    pub(super) received: Option<Payload>,
}

/// One value in the forms that the links ask for, each made once.
#[derive(Default)]
struct Packed {
    bytes: Option<Payload>,
    counted: Option<Payload>,
}

impl Packed {
    fn of(received: Option<Payload>) -> Self {
        match received {
            Some(payload @ Payload::Bytes(_)) => Self { bytes: Some(payload), counted: None },
            Some(payload @ Payload::Counted(_)) => Self { bytes: None, counted: Some(payload) },
            None => Self::default(),
        }
    }

    fn place(&mut self, form: Form) -> &mut Option<Payload> {
        match form {
            Form::Bytes => &mut self.bytes,
            Form::Counted => &mut self.counted,
        }
    }

    fn pack(&mut self, slot: &SharedSlot, wiring: Wiring<'_>) -> Result<Payload, LinkError> {
        let place = self.place(slot.form());
        match place {
            Some(payload) => Ok(payload.clone()),
            None => Ok(place.insert(slot.pack(wiring, Moment::Now)?).clone()),
        }
    }
}

impl Hub {
    /// Sends changes over every link that wants them, but not back over the one they came by.
    pub(super) fn send_out(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        from: Option<LinkId>,
    ) {
        let open: Vec<_> = self
            .links
            .borrow()
            .iter()
            .filter(|(id, link)| Some(**id) != from && !link.drained.get())
            .map(|(id, link)| (*id, Rc::clone(link)))
            .collect();
        if !open.is_empty() {
            self.send_over(store, changes, &open, from);
        }
    }

    pub(super) fn send_over(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        links: &[(LinkId, Rc<Link>)],
        from: Option<LinkId>,
    ) {
        let wiring = Wiring::of(store);
        let mut lists: Vec<Vec<Change>> = links.iter().map(|_| Vec::new()).collect();
        let mut troubles = Vec::new();
        for Outgoing { id, version, announced, received } in changes {
            let targets: Vec<_> = links
                .iter()
                .zip(&mut lists)
                .filter(|((link, _), _)| self.sync.borrow().sends(*link, id, from))
                .filter_map(|((_, link), list)| Some((link, link.slots.get(&id)?, list)))
                .collect();
            let mut packed = Packed::of(received);
            let failure = targets.iter().find_map(|(_, slot, _)| packed.pack(slot, wiring).err());
            if let Some(error) = failure {
                // Sent on no link, also on those where it need not be encoded (rule 6).
                self.sync.borrow_mut().disown(id);
                troubles
                    .extend(targets.iter().map(|(link, _, _)| (Rc::clone(link), error.clone())));
                continue;
            }
            for (_, slot, list) in targets {
                if let Some(payload) = packed.place(slot.form()).clone() {
                    list.push(Change { id, version, announced, payload });
                }
            }
        }
        let clock = self.sync.borrow().clock();
        for ((_, link), changes) in links.iter().zip(lists) {
            if !changes.is_empty() {
                link.send_changes(clock, changes);
            }
        }
        for (link, error) in troubles {
            link.report(store, error);
        }
    }
}
