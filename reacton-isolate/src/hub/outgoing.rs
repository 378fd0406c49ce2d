//! Sending: each value is encoded once in each form that is needed, and put on every subscribed link.

use std::rc::Rc;
use std::sync::Arc;

use reacton_core::wiring::{Moment, Wiring, Written};
use reacton_core::{FirstPanic, ReactonStore, RefId};

use super::end::SentEvent;
use super::route::{Route, Routes};
use super::{Hub, Link};
use crate::error::LinkError;
use crate::shared::{Form, Sealed, SharedSlot};
use crate::sync::LinkId;
use crate::wire::change::{Change, ChangeList, Version};
use crate::wire::edits::Edits;
use crate::wire::value::Payload;

/// A change to be sent.
pub(super) struct Outgoing {
    pub(super) id: RefId,
    pub(super) version: Version,
    pub(super) announced: bool,
    /// The value as it was received, if it is forwarded.
    pub(super) received: Option<Payload>,
}

/// One value in the forms that the links need, each built once. It is the value as committed or installed: encoding is
/// user code, which may have written since.
#[derive(Default)]
struct Packed {
    bytes: Option<Payload>,
    counted: Option<Payload>,
}

impl Packed {
    #[inline]
    fn of(received: Option<Payload>) -> Self {
        let mut packed = Self::default();
        if let Some(payload) = received {
            let form = match payload {
                Payload::Bytes(_) => Form::Bytes,
                Payload::Counted(_) => Form::Counted,
                // Sent before this.
                Payload::Edits(_) => return packed,
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

    /// For one of several routes.
    fn pack(
        &mut self,
        (slot, route): (&SharedSlot, &Route),
        wiring: Wiring<'_>,
        panics: &mut FirstPanic,
    ) -> Result<(), LinkError> {
        let place = self.place(slot.form());
        if place.is_none() {
            *place = Some(slot.pack(wiring, Moment::Committed, panics)?);
        }
        place.as_ref().map_or(Ok(()), |payload| route.admit(slot, payload.longest_part()))
    }

    /// For the only route.
    fn into(
        mut self,
        (slot, route): (&SharedSlot, &Route),
        wiring: Wiring<'_>,
        panics: &mut FirstPanic,
    ) -> Result<Payload, LinkError> {
        let packed = self.place(slot.form()).take();
        let payload = packed.map_or_else(|| slot.pack(wiring, Moment::Committed, panics), Ok)?;
        route.admit(slot, payload.longest_part())?;
        Ok(payload)
    }
}

impl Hub {
    /// Sends what a transaction of this store has written. Not inlined: a single number takes another path, which
    /// would reserve the stack of this one.
    #[inline(never)]
    pub(super) fn send_written(
        &self,
        store: &ReactonStore,
        written: &[Written],
        version: Version,
        routes: &Routes,
    ) {
        let outgoing = written.iter().map(|write| Outgoing {
            id: write.id,
            version,
            announced: write.announced,
            received: None,
        });
        self.send_out(store, outgoing, routes, None);
    }

    /// The routes of a transaction that wrote these reactons: not back over the link it came from, nor to the pool of
    /// that link.
    pub(super) fn routes(&self, ids: impl Iterator<Item = RefId>, from: Option<LinkId>) -> Routes {
        self.links.borrow().routes(ids, from)
    }

    /// Sends changes on those of the `routes` whose peers are subscribed to them.
    pub(super) fn send_out(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        routes: &Routes,
        from: Option<LinkId>,
    ) {
        match routes {
            Routes::None => {}
            Routes::One(route) => self.send_over_one(store, changes, route, from),
            Routes::Many(routes) => self.send_over(store, changes, routes, from),
        }
    }

    /// As [`send_over`](Self::send_over), on the only route, without lists of one.
    pub(super) fn send_over_one(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        route: &Route,
        from: Option<LinkId>,
    ) {
        let wiring = Wiring::of(store);
        let mut list = ChangeList::NONE;
        let mut errors = Vec::new();
        let mut panics = FirstPanic::default();
        for Outgoing { id, version, announced, received } in changes {
            let slot = route.slot(&self.sync.borrow(), id, from);
            let Some(slot) = slot else {
                self.keep_unsent(route, id, received.as_ref(), from);
                continue;
            };
            if let Some(Payload::Edits(edits)) = &received {
                self.list_edits(
                    wiring,
                    (id, version, announced),
                    edits,
                    (route, slot),
                    &mut list,
                    &mut errors,
                );
                continue;
            }
            match Packed::of(received).into((slot, route), wiring, &mut panics) {
                Ok(payload) => {
                    self.last_bytes.note(slot, version, &payload);
                    list.push(Change { id, version, announced, payload });
                }
                Err(error) => {
                    self.disown(id);
                    errors.extend(self.blamed(route).map(|link| (link, error.clone())));
                }
            }
        }
        if !list.is_empty() {
            // A separate statement, because sending may run code that borrows this mutably.
            let clock = self.sync.borrow().clock();
            panics.guard(|| self.put(store, route, clock, list));
        }
        for (link, error) in errors {
            link.report(store, error);
        }
        panics.resume();
    }

    /// Puts the changes of one transaction on one of their routes.
    #[inline]
    fn put(&self, store: &ReactonStore, route: &Route, clock: u64, changes: ChangeList) {
        if let Route::Link(_, link) = route
            && let Some(event) = SentEvent::new(link, &changes)
        {
            self.events.borrow_mut().push(event);
        }
        route.send(store, clock, changes);
    }

    fn send_over(
        &self,
        store: &ReactonStore,
        changes: impl IntoIterator<Item = Outgoing>,
        routes: &[Route],
        from: Option<LinkId>,
    ) {
        let wiring = Wiring::of(store);
        let mut lists: Vec<_> = routes.iter().map(|_| ChangeList::NONE).collect();
        let mut errors = Vec::new();
        let mut panics = FirstPanic::default();
        for Outgoing { id, version, announced, received } in changes {
            let targets = self.targets(routes, id, from);
            if let Some(Payload::Edits(edits)) = &received {
                for (at, route) in routes.iter().enumerate() {
                    let Some((_, slot)) = targets.iter().find(|(target, _)| *target == at) else {
                        self.keep_unsent(route, id, received.as_ref(), from);
                        continue;
                    };
                    self.list_edits(
                        wiring,
                        (id, version, announced),
                        edits,
                        (route, slot),
                        &mut lists[at],
                        &mut errors,
                    );
                }
                continue;
            }
            let mut packed = Packed::of(received);
            let failure = targets.iter().find_map(|(at, slot)| {
                packed.pack((slot, &routes[*at]), wiring, &mut panics).err()
            });
            if let Some(error) = failure {
                // Sent on no link, not even on those where it need not be encoded (rule 6).
                self.disown(id);
                let blamed = targets.iter().flat_map(|(at, _)| self.blamed(&routes[*at]));
                errors.extend(blamed.map(|link| (link, error.clone())));
                continue;
            }
            for (at, slot) in targets {
                if let Some(payload) = packed.place(slot.form()).clone() {
                    self.last_bytes.note(slot, version, &payload);
                    lists[at].push(Change { id, version, announced, payload });
                }
            }
        }
        let clock = self.sync.borrow().clock();
        for (route, changes) in routes.iter().zip(lists) {
            if !changes.is_empty() {
                self.interruptible();
                // Every link gets it, even if a drop on another link panics (rule 8).
                panics.guard(|| self.put(store, route, clock, changes));
            }
        }
        for (link, error) in errors {
            link.report(store, error);
        }
        panics.resume();
    }

    /// Lists edits, in the form of the slot of this route. Entries that do not encode or are too long are left out, and
    /// reported.
    fn list_edits(
        &self,
        wiring: Wiring<'_>,
        (id, version, announced): (RefId, Version, bool),
        edits: &Arc<Edits>,
        (route, slot): (&Route, &SharedSlot),
        list: &mut ChangeList,
        errors: &mut Vec<(Rc<Link>, LinkError)>,
    ) {
        let mut edits = if edits.is_in(slot.form() == Form::Counted) {
            Arc::clone(edits)
        } else {
            let Sealed { edits, errors: unsent } = slot.convert(wiring, edits);
            let blamed = unsent
                .into_iter()
                .flat_map(|error| self.blamed(route).map(move |link| (link, error.clone())));
            errors.extend(blamed);
            Arc::new(edits)
        };
        // The limit may be lowered again before the rest is admitted.
        while let Err(error) = route.admit(slot, edits.longest()) {
            errors.extend(self.blamed(route).map(|link| (link, error.clone())));
            let most = route.max_value();
            Arc::make_mut(&mut edits).records.retain(|record| record.len_on_road() as u64 <= most);
        }
        if announced || !edits.is_empty() {
            list.push(Change { id, version, announced, payload: Payload::Edits(edits) });
        }
    }

    /// The routes whose peers are subscribed to `id`, by index. Only routes that share it are checked.
    fn targets<'w>(
        &self,
        routes: &'w [Route],
        id: RefId,
        from: Option<LinkId>,
    ) -> Vec<(usize, &'w SharedSlot)> {
        let (links, sync) = (self.links.borrow(), self.sync.borrow());
        let at = |route: &Route| routes.binary_search_by_key(&route.place(), Route::place).ok();
        let sharing = links.sharing(id).iter().filter_map(at);
        sharing.filter_map(|at| Some((at, routes[at].slot(&sync, id, from)?))).collect()
    }

    /// The links that report a value that could not be sent on this route.
    fn blamed(&self, route: &Route) -> impl Iterator<Item = Rc<Link>> + use<> {
        self.links.borrow().reached_by(route).into_iter()
    }

    /// Reports on the links of all members of a pool that a value of a job was not sent.
    #[cfg(feature = "process")]
    pub(crate) fn report_to_members(&self, store: &ReactonStore, pool: u64, error: &LinkError) {
        let members = self.links.borrow().members(pool);
        for link in members {
            link.report(store, error.clone());
        }
    }

    /// Records that a value could not be sent: any other value may replace it (rule 6).
    fn disown(&self, id: RefId) {
        self.sync.borrow_mut().disown(id);
        self.last_bytes.forget(id);
    }
}
