//! How a link begins: one store sends its shared reactons, and the other one checks and installs them.

use std::panic::resume_unwind;
use std::rc::Rc;

use reacton_core::panics::{discard, guarded};
use reacton_core::wiring::{Moment, Wiring};
use reacton_core::{FirstPanic, ReactonStore, panic_message};

use super::{Hub, Link};
use crate::error::{LinkError, Mismatch};
use crate::shared::{SharedSet, SharedSlot};
use crate::sync::{Interest, LinkId, SNAPSHOT_LIMIT};
use crate::wire::change::{Change, ChangeList, Version};
use crate::wire::message::{Introduction, IsolateMessage, PROTOCOL};
use reacton_core::wiring::next_site;

impl Hub {
    /// Opens a link to a worker: the committed values of its shared set are the first message. The link exists before
    /// the first value is encoded, so that no write falls between the two (rule 12), whatever user code runs meanwhile.
    /// If a value does not encode, the caller disposes the link. Observers of what user code has written are called
    /// before this returns: their panic goes to `panics`, and the link exists nevertheless.
    pub(crate) fn open(
        &self,
        store: &ReactonStore,
        id: LinkId,
        mut link: Link,
        shared: &SharedSet,
        panics: &mut FirstPanic,
    ) -> Result<IsolateMessage, LinkError> {
        let wiring = Wiring::of(store);
        link.expects = (!link.is_sink()).then(|| wiring.inbox().mailbox());
        link.seat = (!link.is_sink()).then(|| self.links.borrow_mut().seats.take());
        let link = Rc::new(link);
        let interests = link.slots.keys().map(|id| {
            (*id, Interest { peer_subscribed: true, subscribed: link.is_subscribed(*id) })
        });
        self.sync.borrow_mut().join(id, interests);
        self.links.borrow_mut().insert(id, Rc::clone(&link));
        if self.draining.get() || link.owner.as_ref().is_some_and(|owner| owner.is_draining()) {
            // The link did not exist yet when the other links were asked to drain.
            self.send_drain(id);
        }
        for slot in shared.slots() {
            slot.sync(wiring);
        }
        if let Some(owner) = &link.owner {
            self.refuse_outward(store, &**owner);
        }
        // In one commit phase: what user code writes while a value is encoded is committed afterwards, and is not in
        // this message.
        let mut init = None;
        let taken =
            guarded(|| wiring.take_in(|wiring| init = Some(self.introduce(wiring, &link, shared))));
        match (init, taken) {
            (Some(init), taken) => {
                panics.keep(taken.err());
                init
            }
            (None, Err(payload)) => resume_unwind(payload),
            (None, Ok(())) => unreachable!("`take_in` has called it"),
        }
    }

    /// The first message of a link: the values of the shared set in this store.
    fn introduce(
        &self,
        wiring: Wiring<'_>,
        link: &Link,
        shared: &SharedSet,
    ) -> Result<IsolateMessage, LinkError> {
        let mut reactons = Vec::new();
        for slot in shared.slots() {
            let rref = slot.reacton_ref();
            let newest = slot.newest_clock(wiring);
            self.sync.borrow_mut().count_from(newest);
            let version = self.sync.borrow().version(rref.id());
            let mut panics = FirstPanic::default();
            let packed = guarded(|| slot.pack(wiring, Moment::Committed, &mut panics));
            let payload = match (packed, panics.take()) {
                (Ok(packed), None) => packed?,
                (Err(panic), _) | (Ok(_), Some(panic)) => {
                    let reason = panic_message(&*panic);
                    discard(panic);
                    return Err(LinkError::Encode { reacton: rref.name().into(), reason });
                }
            };
            slot.check_len(payload.longest_part(), link.outbox.max_value())?;
            self.last_bytes.note(slot, version, &payload);
            reactons.push(Introduction {
                id: rref.id(),
                name: rref.name().into(),
                type_name: slot.type_name().into(),
                // Both ends are one program with one declaration. Finding a shape would run user code. The keeper of a
                // worker in another program does that.
                shape: None,
                version,
                payload,
                subscribed: link.is_subscribed(rref.id()),
            });
        }
        // User code in between writes with larger clocks, which are not in this message.
        let clock = self.sync.borrow().clock();
        let site = next_site();
        let counts_as = link.seat.map_or(site, |seat| seat.counts_as(wiring.counts_as()));
        Ok(IsolateMessage::HandshakeInit { protocol: PROTOCOL, site, counts_as, clock, reactons })
    }

    /// Begins the link to the store that spawned this one, and installs its values. Returns the mismatches. If the types
    /// may differ, only what does not decode is one.
    pub(crate) fn join(
        &self,
        store: &ReactonStore,
        id: LinkId,
        link: Link,
        init: IsolateMessage,
        types_differ: bool,
    ) -> Vec<Mismatch> {
        let IsolateMessage::HandshakeInit { protocol, site, counts_as, clock, reactons } = init
        else {
            return vec![Mismatch::Protocol { ours: PROTOCOL, theirs: 0 }];
        };
        let mut mismatches = compare(protocol, &reactons, &link, types_differ);
        // No value may be newer than the clock from which this store counts.
        let clock = reactons.iter().map(Introduction::newest_clock).fold(clock, u64::max);
        if clock >= SNAPSHOT_LIMIT {
            let reason = format!("its clock is {clock}");
            mismatches.push(Mismatch::Value { error: LinkError::Malformed { reason } });
        }
        if !mismatches.is_empty() {
            return mismatches;
        }
        let wiring = Wiring::of(store);
        wiring.set_counts_as(counts_as);
        wiring.take_in(|wiring| {
            let mut panics = FirstPanic::default();
            for reacton in &reactons {
                let Some(slot) = link.slot(reacton.id) else { continue };
                if let Err(error) = slot.install(wiring, &reacton.payload, false, &mut panics) {
                    mismatches.push(Mismatch::Value { error });
                }
                slot.sync(wiring);
                self.last_bytes.note(slot, reacton.version, &reacton.payload);
            }
            panics.resume();
        });
        let mut sync = self.sync.borrow_mut();
        sync.begin(id, site, clock, reactons.iter().map(|reacton| (reacton.id, reacton.version)));
        let interests = reactons.iter().map(|reacton| {
            (reacton.id, Interest { peer_subscribed: reacton.subscribed, subscribed: true })
        });
        sync.join(id, interests);
        Self::refuse_inward(store, &link);
        self.parent.set(Some(id));
        self.links.borrow_mut().insert(id, Rc::new(link));
        mismatches
    }

    /// Sends the values of a link that has just begun to the store that spawned this one, encoded by the types of this
    /// side. That store only looks whether they decode there. Returns those that do not encode.
    pub(crate) fn show_first_values(&self, store: &ReactonStore, id: LinkId) -> Vec<Mismatch> {
        let Some(link) = self.link(id) else { return Vec::new() };
        let (wiring, mut panics) = (Wiring::of(store), FirstPanic::default());
        let (mut changes, mut mismatches) = (ChangeList::NONE, Vec::new());
        for slot in link.slots.values().map(|slot| &slot.shared) {
            let packed = slot.pack(wiring, Moment::Committed, &mut panics).and_then(|payload| {
                slot.check_len(payload.longest_part(), link.outbox.max_value())?;
                Ok(payload)
            });
            match packed {
                Ok(payload) => {
                    let id = slot.reacton_ref().id();
                    changes.push(Change { id, version: Version::NEVER, announced: false, payload });
                }
                Err(error) => mismatches.push(Mismatch::Value { error }),
            }
        }
        let clock = self.sync.borrow().clock();
        link.outbox.send(IsolateMessage::ReactonValueChanged { clock, changes });
        panics.resume();
        mismatches
    }
}

/// The differences between the introductions and this end's shared set.
fn compare(
    protocol: u32,
    reactons: &[Introduction],
    link: &Link,
    types_differ: bool,
) -> Vec<Mismatch> {
    if protocol != PROTOCOL {
        return vec![Mismatch::Protocol { ours: PROTOCOL, theirs: protocol }];
    }
    let mut mismatches = Vec::new();
    for reacton in reactons {
        match link.slot(reacton.id) {
            None => mismatches.push(Mismatch::Missing { name: reacton.name.clone().into_owned() }),
            Some(_) if types_differ => {}
            Some(slot) => mismatches.extend(compare_types(reacton, slot)),
        }
    }
    let mut introduced: Vec<_> = reactons.iter().map(|reacton| reacton.id).collect();
    introduced.sort_unstable();
    mismatches.extend(
        link.slots.iter().filter(|(id, _)| introduced.binary_search(id).is_err()).map(
            |(_, slot)| Mismatch::Missing { name: slot.shared.reacton_ref().name().to_owned() },
        ),
    );
    mismatches
}

/// Two types count as equal if they have the same name, and the same shape where both sides know it.
fn compare_types(reacton: &Introduction, slot: &SharedSlot) -> Option<Mismatch> {
    let (ours, theirs) = (slot.type_name(), &*reacton.type_name);
    // Names are copied only if they differ, because a store compares its whole shared set when it begins.
    let mismatch = |ours: String, theirs: String| Mismatch::Type {
        name: reacton.name.clone().into_owned(),
        ours,
        theirs,
    };
    if ours != theirs {
        return Some(mismatch(ours.to_owned(), theirs.to_owned()));
    }
    let their_shape = reacton.shape.as_ref()?;
    let shape = slot.shape()?;
    (shape != *their_shape)
        .then(|| mismatch(format!("{ours}: {shape}"), format!("{theirs}: {their_shape}")))
}
