//! The queued writes of single entries in the inbox, for `is_stale` and `incoming`. Each item is listed once, and only
//! if the program asks for an entry. An item that was taken since is recognised by its number.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, ReactonStore, RefId, RefMap};

use super::Hub;
use crate::link::{Token, changes_in};
use crate::shared::{Known, SharedSlot};
use crate::sync::LinkId;
use crate::wire::change::{Change, Version};
use crate::wire::edits::Edits;
use crate::wire::value::{Encoded, Payload};

/// A queued record or reset.
struct Queued {
    /// The number of its item.
    number: u64,
    link: LinkId,
    version: Version,
}

/// Entries by key.
#[derive(Default)]
pub(super) struct QueuedEntries {
    /// The number of the last item that was listed.
    seen: u64,
    records: HashMap<(RefId, Encoded), VecDeque<Queued>>,
    resets: RefMap<VecDeque<Queued>>,
    /// For each link with pending messages, the number of the item in the inbox that stands for them.
    merging: BTreeMap<LinkId, (u64, Token)>,
    /// With more keys than this, those of taken items are removed.
    crowded: usize,
}

/// This many keys are kept before those of taken items are searched and removed.
const FEW: usize = 64;

impl QueuedEntries {
    /// Lists the items that are new. Returns the number of the last one that was taken.
    fn look(&mut self, wiring: Wiring<'_>) -> u64 {
        let (taken, last) = wiring.look_at_arrivals(self.seen, |number, item| {
            if let Some((link, changes)) = changes_in(item) {
                self.list(number, link, &changes);
            } else if let Some(token) = item.downcast_ref::<Token>() {
                self.merging.insert(token.link, (number, token.again()));
            }
        });
        self.seen = last;
        self.merging.retain(|_, (number, _)| *number > taken);
        if self.records.len() > self.crowded.max(FEW) {
            let waits = |queued: &mut VecDeque<Queued>| {
                queued.retain(|one| one.number > taken);
                !queued.is_empty()
            };
            self.records.retain(|_, queued| waits(queued));
            self.resets.retain(|_, queued| waits(queued));
            self.crowded = 2 * self.records.len();
        }
        taken
    }

    fn list(&mut self, number: u64, link: LinkId, changes: &[Change]) {
        for change in changes {
            let Payload::Edits(edits) = &change.payload else { continue };
            if let Some(version) = edits.reset {
                self.resets.entry(change.id).or_default().push_back(Queued {
                    number,
                    link,
                    version,
                });
            }
            for record in &edits.records {
                let (key, version) = ((change.id, record.key.clone()), record.version);
                self.records.entry(key).or_default().push_back(Queued { number, link, version });
            }
        }
    }

    /// Calls `f` with the link and the version of each queued record of `key`, and of each queued reset, until it
    /// returns true.
    fn any(
        &mut self,
        id: RefId,
        key: &Encoded,
        taken: u64,
        mut f: impl FnMut(LinkId, Version, bool) -> bool,
    ) -> bool {
        let records = self.records.get_mut(&(id, key.clone()));
        for (queued, is_reset) in [(records, false), (self.resets.get_mut(&id), true)] {
            let Some(queued) = queued else { continue };
            while queued.front().is_some_and(|first| first.number <= taken) {
                queued.pop_front();
            }
            if queued.iter().any(|one| f(one.link, one.version, is_reset)) {
                return true;
            }
        }
        self.merging.iter().any(|(link, (_, token))| {
            let found = token.composed(id, |composed| (composed.version(key), composed.reset()));
            let (record, reset) = found.unwrap_or_default();
            record.is_some_and(|version| f(*link, version, false))
                || reset.is_some_and(|version| f(*link, version, true))
        })
    }
}

impl Hub {
    /// The slot of a collection or family.
    fn slot_of_entries(&self, id: RefId) -> Option<SharedSlot> {
        let links = self.links.borrow();
        let brought = || links.links_bringing(id).find_map(|(_, link)| link.slot(id).copied());
        links.slot(id).or_else(brought).filter(SharedSlot::has_entries)
    }

    /// Whether a queued write would change the entry of this name.
    pub(super) fn is_entry_stale(&self, store: &ReactonStore, id: RefId, name: &dyn Any) -> bool {
        let Some(slot) = self.slot_of_entries(id) else { return false };
        let wiring = Wiring::of(store);
        // Encoding a key is user code.
        let known = slot.known(wiring, name);
        let mut queued = self.queued.borrow_mut();
        let taken = queued.look(wiring);
        known.iter().any(|Known { key, version: held, is_there }| {
            queued.any(id, key, taken, |link_id, version, is_reset| {
                let Some(link) = self.link(link_id) else { return false };
                // A reset changes nothing if there is no entry.
                (version > *held || link.policy.restamps(id))
                    && (*is_there || !is_reset)
                    && self.may_join(link_id, &link, id, version)
            })
        })
    }

    /// The collection after all queued writes; for a family, the value of the member of this name.
    pub(super) fn with_queued_entries(
        &self,
        store: &ReactonStore,
        id: RefId,
        name: Option<&dyn Any>,
    ) -> Option<Box<dyn Any>> {
        let (slot, wiring) = (self.slot_of_entries(id)?, Wiring::of(store));
        let mut all: Vec<(LinkId, Version, Arc<Edits>)> = Vec::new();
        wiring.look_at_arrivals(0, |_, item| {
            if let Some((link, changes)) = changes_in(item) {
                let of_it = changes.iter().filter(|change| change.id == id);
                all.extend(of_it.filter_map(|change| match &change.payload {
                    Payload::Edits(edits) => Some((link, change.version, Arc::clone(edits))),
                    Payload::Bytes(_) | Payload::Counted(_) => None,
                }));
            } else if let Some(token) = item.downcast_ref::<Token>()
                && let Some(edits) = token.composed(id, |composed| composed.clone().into_edits())
            {
                let version = Version { clock: edits.newest_clock(), site: 0 };
                all.push((token.link, version, Arc::new(edits)));
            }
        });
        let (mut clock, site) = (self.sync.borrow().clock(), u64::MAX);
        let mut preview = slot.preview(wiring, name)?;
        let mut panics = FirstPanic::default();
        for (link_id, version, edits) in all {
            let Some(link) = self.link(link_id) else { continue };
            if !self.may_join(link_id, &link, id, version) {
                continue;
            }
            clock = clock.max(edits.newest_clock()) + 1;
            let restamp = link.policy.restamps(id).then_some(Version { clock, site });
            if let Some(slot) = link.slot(id) {
                slot.join_to_preview(&mut preview, &edits, restamp, &mut panics);
            }
        }
        panics.resume();
        preview.value
    }
}
