//! Values that are made of entries: what a transaction has written of them is sealed and sent, and what arrives is joined entry by
//! entry. The rules M1 to M9 are those of docs/protocol.md.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::wiring::{Wiring, Written};
use reacton_core::{FirstPanic, ReactonStore, RefId, RefMap};

use super::incoming::{Arrival, Outcome};
use super::outgoing::Outgoing;
use super::route::Route;
use super::{Hub, Link};
use crate::error::LinkError;
use crate::shared::{Decoded, Joined, Joining, Sealed, SharedSlot, at_key};
use crate::sync::LinkId;
use crate::wire::change::{Change, Version};
use crate::wire::edits::{Edits, Held};
use crate::wire::value::{Encoded, Payload};

/// What a transaction has written of values that are made of entries.
#[derive(Default)]
pub(super) struct SealedEntries {
    /// Of the first value. Most transactions write one, which needs no list.
    first: Option<(RefId, Arc<Edits>)>,
    others: Vec<(RefId, Arc<Edits>)>,
    /// Whether an entry was removed.
    removes: bool,
    pub(super) errors: Vec<(RefId, LinkError)>,
}

impl SealedEntries {
    fn add(&mut self, id: RefId, edits: Edits) {
        self.removes |= edits.removes();
        let edits = (id, Arc::new(edits));
        if self.first.is_none() {
            self.first = Some(edits);
        } else {
            self.others.push(edits);
        }
    }

    pub(super) fn take(&mut self, id: RefId) -> Option<Payload> {
        if let Some((_, edits)) = self.first.take_if(|(first, _)| *first == id) {
            return Some(Payload::Edits(edits));
        }
        let at = self.others.iter().position(|(sealed, _)| *sealed == id)?;
        Some(Payload::Edits(self.others.swap_remove(at).1))
    }
}

/// Entries of a change that are decoded.
pub(super) struct Arrived(Box<dyn Joining>);

impl Arrived {
    /// Runs the user code that can run before anything is installed.
    pub(super) fn compare(&mut self, wiring: Wiring<'_>, announced: bool, outcome: &mut Outcome) {
        self.0.compare(wiring, announced, &mut outcome.panics);
    }
}

/// The writes of a transaction as links list them: in place of the members of a family that it is shared as, the family once.
fn by_family<'w>(wiring: Wiring<'_>, written: &'w [Written]) -> Cow<'w, [Written]> {
    if !written.iter().any(Written::is_of_family) {
        return Cow::Borrowed(written);
    }
    let mut listed: Vec<Written> = Vec::with_capacity(written.len());
    let mut places = RefMap::default();
    for write in written {
        let family = if write.is_of_family() { wiring.family_of(write) } else { None };
        let Some(id) = family else {
            listed.push(*write);
            continue;
        };
        let place = *places.entry(id).or_insert(listed.len());
        if place == listed.len() {
            let mut family = *write;
            // Members are announced one by one.
            (family.id, family.by_entries, family.announced) = (id, true, false);
            listed.push(family);
        }
    }
    Cow::Owned(listed)
}

impl Hub {
    /// Sends a transaction that has written values which are made of entries, or members of families.
    #[cold]
    pub(super) fn committed_by_entries(&self, store: &ReactonStore, written: &[Written]) {
        let listed = by_family(Wiring::of(store), written);
        let ids = || listed.iter().map(|write| write.id);
        let version = self.sync.borrow_mut().commit(ids());
        self.interruptible();
        let routes = self.routes(ids(), None);
        let mut sealed = self.seal(store, written, &listed, version);
        let outgoing = listed.iter().map(|write| {
            let Written { id, announced, .. } = *write;
            Outgoing { id, version, announced, received: sealed.take(id) }
        });
        let mut panics = FirstPanic::default();
        panics.guard(|| self.send_out(store, outgoing, &routes, None));
        self.report_unsealed(store, sealed.errors);
        if sealed.removes {
            self.begin_round_if_worth(store, ids());
        }
        panics.resume();
    }

    /// Sets the version of all entries that a transaction has written, whether or not anyone is subscribed to them (M1, rule 4), and packs
    /// them once.
    #[cold]
    pub(super) fn seal(
        &self,
        store: &ReactonStore,
        written: &[Written],
        listed: &[Written],
        version: Version,
    ) -> SealedEntries {
        let mut sealed = SealedEntries::default();
        for write in listed.iter().filter(|write| write.by_entries) {
            let slot = self.links.borrow().slot(write.id);
            let Some(slot) = slot else { continue };
            let Sealed { edits, errors } = slot.seal(Wiring::of(store), written, version);
            // An entry that does not encode may be a removed one.
            sealed.removes |= !errors.is_empty();
            sealed.add(write.id, edits);
            sealed.errors.extend(errors.into_iter().map(|error| (write.id, error)));
        }
        sealed
    }

    /// Reports entries that could not be sent.
    pub(super) fn report_unsealed(&self, store: &ReactonStore, errors: Vec<(RefId, LinkError)>) {
        for (id, error) in errors {
            let sharing: Vec<_> = {
                let links = self.links.borrow();
                let sharing = links.sharing(id).iter();
                sharing.flat_map(|route| links.reached_by(route)).collect()
            };
            for link in sharing {
                link.report(store, error.clone());
            }
        }
    }

    /// Records the keys of edits that are not sent on this route because its peer is not subscribed (M8).
    pub(super) fn keep_unsent(
        &self,
        route: &Route,
        id: RefId,
        received: Option<&Payload>,
        from: Option<LinkId>,
    ) {
        if let (Route::Link(link, end), Some(Payload::Edits(edits))) = (route, received)
            && Some(*link) != from
            && !end.policy.restamps(id)
        {
            self.sync.borrow_mut().keep_unsent(*link, id, edits.keys());
        }
    }

    /// Whether edits that came over a link may be joined: each entry of them has a version of its own.
    #[cold]
    pub(super) fn may_join(
        &self,
        link_id: LinkId,
        link: &Link,
        id: RefId,
        version: Version,
    ) -> bool {
        link.slot(id).is_some_and(SharedSlot::has_entries)
            && self.sync.borrow().accepts_entries(link_id, id, version)
    }

    /// A change is not applied. If it is one of a paused value that is made of entries, its keys are kept (M8).
    pub(super) fn leave_out<W>(
        &self,
        arrival: &Arrival<'_, W>,
        change: Change,
        outcome: &mut Outcome,
    ) {
        if let Payload::Edits(edits) = &change.payload
            && arrival.link.slot(change.id).is_some_and(SharedSlot::has_entries)
        {
            let mut sync = self.sync.borrow_mut();
            sync.miss(arrival.from, change.id, edits.keys());
            if edits.answers != 0 {
                sync.answered(arrival.from, change.id, edits.answers);
            }
        }
        outcome.refuse(change, None);
    }

    /// Whether edits may come in a message whose largest clock is `newest`.
    fn is_plausible(edits: &Edits, newest: u64, outcome: &mut Outcome) -> bool {
        let is_plausible = edits.newest_clock() <= newest;
        if !is_plausible {
            let reason = String::from("an entry in it is newer than the message");
            outcome.errors.push(LinkError::Malformed { reason });
        }
        is_plausible
    }

    /// Edits have come of a value that is shared as a whole here.
    #[cold]
    fn unexpected_edits(slot: &SharedSlot) -> LinkError {
        let reason = String::from("entries came of a value that this side shares as a whole");
        LinkError::Decode { reacton: slot.reacton_ref().name().into(), reason }
    }

    /// Decodes and joins the edits of a transaction of one change, without what several need.
    pub(super) fn install_edits<W>(
        &self,
        wiring: Wiring<'_>,
        arrival: &Arrival<'_, W>,
        slot: &SharedSlot,
        change: Change,
        outcome: &mut Outcome,
    ) {
        let (id, announced) = (change.id, change.announced);
        let joined = match &change.payload {
            Payload::Edits(edits) if Self::is_plausible(edits, arrival.newest, outcome) => {
                if !slot.has_entries() {
                    return outcome.refuse(change, Some(Self::unexpected_edits(slot)));
                }
                let how = (arrival.restamp(id), announced);
                slot.take_in_edits(wiring, edits, how, &mut outcome.panics)
            }
            _ => None,
        };
        match joined {
            Some((joined, errors)) => {
                outcome.errors.extend(errors);
                self.note_joined(arrival, slot, joined, change, outcome);
            }
            None => outcome.refuse(change, None),
        }
    }

    /// Decodes edits. This runs user code.
    pub(super) fn decode_edits(
        slot: &SharedSlot,
        edits: &Edits,
        newest: u64,
        outcome: &mut Outcome,
    ) -> Option<Arrived> {
        if !Self::is_plausible(edits, newest, outcome) {
            return None;
        }
        let decoded = outcome.panics.guard(|| slot.decode_edits(edits))?;
        let Some(Decoded { edits: joining, errors }) = decoded else {
            outcome.errors.push(Self::unexpected_edits(slot));
            return None;
        };
        outcome.errors.extend(errors);
        Some(Arrived(joining))
    }

    /// Joins edits of a transaction of several changes.
    pub(super) fn join_edits<W>(
        &self,
        wiring: Wiring<'_>,
        arrival: &Arrival<'_, W>,
        slot: &SharedSlot,
        Arrived(joining): Arrived,
        change: Change,
        outcome: &mut Outcome,
    ) {
        let (restamp, announced) = (arrival.restamp(change.id), change.announced);
        let joined = joining.join(wiring, restamp, announced, &mut outcome.panics);
        self.note_joined(arrival, slot, joined, change, outcome);
    }

    /// Records that edits were joined, and forwards those that have won (M2).
    fn note_joined<W>(
        &self,
        arrival: &Arrival<'_, W>,
        slot: &SharedSlot,
        joined: Joined,
        change: Change,
        outcome: &mut Outcome,
    ) {
        let Payload::Edits(edits) = &change.payload else { return outcome.refuse(change, None) };
        let (id, announced) = (change.id, change.announced);
        let restamp = arrival.restamp(id);
        let version = arrival.version(id, change.version);
        outcome.displaced.extend(joined.displaced);
        outcome.errors.extend(joined.failed.into_iter().map(|(at, reason)| {
            let reacton = slot.reacton_ref().name().into();
            at_key(LinkError::Decode { reacton, reason }, &edits.records[at].key)
        }));
        let all_lost = joined.lost.len() == edits.records.len()
            && (joined.reset_lost || edits.reset.is_none());
        let repeats = edits.answers == 0
            && all_lost
            && !edits.is_empty()
            && self.sync.borrow().version(id) == change.version;
        self.repeats.set(self.repeats.get() + u64::from(repeats));
        {
            let mut sync = self.sync.borrow_mut();
            sync.accept_entries(id, restamp.unwrap_or(version));
            if edits.answers != 0 {
                sync.answered(arrival.from, id, edits.answers);
            }
        }
        if edits.removes() {
            outcome.removed.push(*slot);
        }
        if !self.links.borrow().is_relayed(id, arrival.from) || all_lost && !announced {
            return outcome.refuse(change, None);
        }
        let is_whole = joined.lost.is_empty() && !joined.reset_lost && restamp.is_none();
        let won = if is_whole && edits.answers == 0 {
            Arc::clone(edits)
        } else {
            Arc::new(edits.without(&joined.lost, joined.reset_lost, restamp))
        };
        let received = Some(Payload::Edits(won));
        outcome.accepted.push(Outgoing { id, version, announced, received });
    }

    /// The peer has subscribed again to a value that is made of entries: what it has missed, and what was not sent (M9). It is answered
    /// always. `None` if it is not such a value here.
    pub(super) fn answer_subscription(
        &self,
        store: &ReactonStore,
        (id, link): (LinkId, &Rc<Link>),
        reacton: RefId,
        serial: u64,
        keys: Vec<Encoded>,
    ) -> Option<Outgoing> {
        let slot = link.slot(reacton).filter(|slot| slot.has_entries())?;
        let keys = self.sync.borrow_mut().peer_asked(id, reacton, keys)?;
        let swept = self.sync.borrow().swept_clock(reacton);
        let swept = swept.map(|clock| Version { clock, site: u64::MAX });
        let Sealed { mut edits, errors } = slot.show(Wiring::of(store), &keys, swept);
        for error in errors {
            link.report(store, error);
        }
        edits.answers = serial;
        let version = self.sync.borrow().version(reacton);
        let received = Some(Payload::Edits(Arc::new(edits)));
        Some(Outgoing { id: reacton, version, announced: false, received })
    }

    /// What a subscription of this end says of a reacton.
    pub(super) fn held(&self, link: LinkId, end: &Link, id: RefId) -> Held {
        let mut sync = self.sync.borrow_mut();
        if end.slot(id).is_some_and(SharedSlot::has_entries) {
            sync.ask(link, id)
        } else {
            Held::Version(sync.version(id))
        }
    }
}
