//! Versions: decides what to send, accept, forward and drop. It uses no thread, no channel and no clock but its own.
//! The rules are those of docs/protocol.md, found by model checking, and the comments cite their numbers. Links join
//! stores into a tree. Each end of a link knows to what it and its peer are subscribed.

mod missed;
mod sweep;

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasherDefault;

use reacton_core::{Passed, RefId, RefMap};

use self::missed::Missed;
pub(crate) use self::sweep::RoundStep;
use self::sweep::Rounds;
use crate::wire::change::Version;

/// A link to one incarnation of a worker: a restarted worker has another link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LinkId(pub(crate) u64);

/// The clock of a handshake is below this, so that a store can count on without end.
pub(crate) const SNAPSHOT_LIMIT: u64 = 1 << 62;

/// No store reaches this clock by counting.
const CLOCK_LIMIT: u64 = 1 << 63;

/// A message raises a clock by less than this (rule 5). At one transaction a microsecond, counting this far takes 12
/// days.
const MAX_RAISE: u64 = 1 << 40;

/// A message that raises the clock by so much counts as a leap (rule 5).
pub(crate) const LEAP: u64 = 1 << 32;

/// When the clock has been raised this far, the store above is told.
const STEP: u64 = 1 << 31;

/// Memory for more changes than this is freed after a transaction.
const KEPT: usize = 1024;

/// The clock of a message that its sender cannot have reached, so that the message must be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImplausibleClock {
    pub(crate) clock: u64,
    /// The clock of this store.
    pub(crate) own: u64,
}

/// The subscriptions to one shared reacton, at one end of a link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interest {
    /// The peer is subscribed, so changes are sent.
    pub(crate) peer_subscribed: bool,
    /// This end is subscribed, so changes are applied.
    pub(crate) subscribed: bool,
}

#[derive(Debug, Default)]
struct End {
    shared: RefMap<Interest>,
    /// How many of them the peer is not subscribed to. Usually none, and then a write looks none up.
    unsent: usize,
    /// Of values that are made of entries, since the first was paused.
    missed: BTreeMap<RefId, Missed>,
}

/// The versions in one store, and its end of every link.
#[derive(Debug)]
pub(crate) struct Sync {
    /// The link to the store that spawned this one.
    above: Option<LinkId>,
    site: u64,
    clock: u64,
    /// The clock that the store above has, or will have when it has applied all messages of this store. The largest
    /// number if there is no such store.
    told: u64,
    versions: RefMap<Version>,
    /// The versions that the last transaction has replaced, for a value that turns out not to be sendable.
    replaced: Vec<(RefId, Version)>,
    ends: BTreeMap<LinkId, End>,
    rounds: Rounds,
}

impl Sync {
    pub(crate) fn new(site: u64) -> Self {
        Self {
            above: None,
            site,
            clock: 0,
            told: u64::MAX,
            versions: RefMap::default(),
            replaced: Vec::new(),
            ends: BTreeMap::new(),
            rounds: Rounds::default(),
        }
    }

    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    #[inline]
    pub(crate) fn version(&self, id: RefId) -> Version {
        self.versions.get(&id).copied().unwrap_or(Version::NEVER)
    }

    /// Takes over the versions of the store that spawned this one, to which `above` leads, unconditionally (rule 12).
    pub(crate) fn begin(
        &mut self,
        above: LinkId,
        site: u64,
        clock: u64,
        held: impl Iterator<Item = (RefId, Version)>,
    ) {
        self.above = Some(above);
        self.site = site;
        (self.clock, self.told) = (clock, clock);
        self.versions.extend(held);
    }

    /// Adds a link. Both ends are subscribed to everything, except what main had paused before a restart.
    pub(crate) fn join(&mut self, link: LinkId, shared: impl Iterator<Item = (RefId, Interest)>) {
        let shared: RefMap<Interest> = shared.collect();
        let unsent = shared.values().filter(|interest| !interest.peer_subscribed).count();
        self.ends.insert(link, End { shared, unsent, ..End::default() });
    }

    /// Removes a link.
    pub(crate) fn leave(&mut self, link: LinkId) {
        self.ends.remove(&link);
        self.leave_round(link);
    }

    /// Called when a local transaction has changed something shared: everything that it wrote gets one new version,
    /// also equal values (rule 1), whether or not anyone is subscribed (rule 4).
    #[inline]
    pub(crate) fn commit(&mut self, written: impl Iterator<Item = RefId>) -> Version {
        self.clock += 1;
        self.forget_replaced();
        let version = Version { clock: self.clock, site: self.site };
        for id in written {
            self.replace(id, version);
        }
        version
    }

    fn forget_replaced(&mut self) {
        self.replaced.clear();
        if self.replaced.capacity() > KEPT {
            self.replaced = Vec::new();
        }
    }

    #[inline]
    fn replace(&mut self, id: RefId, version: Version) {
        let before = self.versions.insert(id, version).unwrap_or(Version::NEVER);
        self.replaced.push((id, before));
    }

    /// Called when a value could not be sent: any other may replace it (rule 6), even the one before it. But an older
    /// one may not, because the other stores would reject it, and this store would hold it alone.
    pub(crate) fn disown(&mut self, id: RefId) {
        if let Some((_, before)) = self.replaced.iter().find(|(replaced, _)| *replaced == id) {
            self.versions.insert(id, before.just_below());
        }
    }

    /// Whether a change of `id`, which `link` shares, is sent over it if it came from `from`: never back (rule 9).
    #[inline]
    pub(crate) fn sends(&self, link: LinkId, id: RefId, from: Option<LinkId>) -> bool {
        let is_subscribed = |end: &End| {
            end.unsent == 0 || end.shared.get(&id).is_some_and(|interest| interest.peer_subscribed)
        };
        Some(link) != from && self.ends.get(&link).is_some_and(is_subscribed)
    }

    /// Raises the clock to the largest one of an arrived message, even if its values are not accepted (rule 5).
    #[inline]
    pub(crate) fn raise(&mut self, from: LinkId, clock: u64) -> Result<(), ImplausibleClock> {
        if let Some(implausible) = self.refuses(from, clock) {
            return Err(implausible);
        }
        self.clock = self.clock.max(clock);
        self.forget_replaced();
        Ok(())
    }

    /// Whether this clock is neither a leap nor so large that the store above must be told.
    #[inline]
    pub(crate) fn is_near(&self, clock: u64) -> bool {
        clock.saturating_sub(self.clock) < LEAP && clock.saturating_sub(self.told) < STEP
    }

    /// Records the clock of the store above. Returns whether it was smaller.
    pub(crate) fn told(&mut self, clock: u64) -> bool {
        let is_smaller = self.told < clock;
        self.told = self.told.max(clock);
        is_smaller
    }

    /// Why a message with this clock is refused.
    pub(crate) fn refuses(&self, from: LinkId, clock: u64) -> Option<ImplausibleClock> {
        (!self.is_plausible(from, clock)).then_some(ImplausibleClock { clock, own: self.clock })
    }

    /// Whether a message may carry this clock. Otherwise one hostile or broken message could raise the clock to where
    /// no other store can follow. The store that spawned this one is followed as in the handshake: a hostile worker of it
    /// may have raised its clock.
    #[inline]
    fn is_plausible(&self, from: LinkId, clock: u64) -> bool {
        let is_near = clock < CLOCK_LIMIT && clock.saturating_sub(self.clock) < MAX_RAISE;
        is_near || clock < SNAPSHOT_LIMIT && self.above == Some(from)
    }

    /// Whether a change that came over `link` is accepted: only if it is strictly newer (rule 2), and only while this
    /// end is subscribed (rule 11).
    #[inline]
    pub(crate) fn accepts(&self, link: LinkId, id: RefId, version: Version) -> bool {
        self.is_plausible(link, version.clock)
            && self.is_subscribed(link, id)
            && version > self.version(id)
    }

    /// As [`accepts`](Self::accepts), for a value that is made of entries: each of them has a version of its own.
    #[inline]
    pub(crate) fn accepts_entries(&self, link: LinkId, id: RefId, version: Version) -> bool {
        self.is_plausible(link, version.clock) && self.is_subscribed(link, id)
    }

    /// Records that entries were joined. The version of a value that is made of entries is the largest one of its transactions.
    pub(crate) fn accept_entries(&mut self, id: RefId, version: Version) {
        let newest = self.versions.entry(id).or_insert(Version::NEVER);
        *newest = version.max(*newest);
    }

    /// A version that is newer than all others in this store, for what is written here next.
    pub(crate) fn next_version(&self) -> Version {
        Version { clock: self.clock + 1, site: self.site }
    }

    /// Counts on from this clock, of a value that was written elsewhere.
    pub(crate) fn count_from(&mut self, clock: u64) {
        if clock < SNAPSHOT_LIMIT {
            self.clock = self.clock.max(clock);
        }
    }

    /// Whether this end is subscribed to changes over `link`.
    #[inline]
    pub(crate) fn is_subscribed(&self, link: LinkId, id: RefId) -> bool {
        self.interest(link, id).is_some_and(|interest| interest.subscribed)
    }

    /// Records an accepted change: its version is now the current one.
    #[inline]
    pub(crate) fn accept(&mut self, id: RefId, version: Version) {
        self.replace(id, version);
    }

    /// Ends the subscription of this end to `id`, also for changes already sent (rule 11). `false` if it was not
    /// subscribed.
    pub(crate) fn pause(&mut self, link: LinkId, id: RefId) -> bool {
        self.set_subscribed(link, id, false)
    }

    /// Subscribes this end to `id` again. `false` if it was subscribed.
    pub(crate) fn resume(&mut self, link: LinkId, id: RefId) -> bool {
        self.set_subscribed(link, id, true)
    }

    fn set_subscribed(&mut self, link: LinkId, id: RefId, subscribed: bool) -> bool {
        match self.interest_mut(link, id) {
            Some(interest) => std::mem::replace(&mut interest.subscribed, subscribed) != subscribed,
            None => false,
        }
    }

    /// The peer subscribes, and holds these versions. Returns what is newer here.
    pub(crate) fn peer_subscribed(
        &mut self,
        link: LinkId,
        held: &[(RefId, Version)],
    ) -> Vec<(RefId, Version)> {
        let mut newer = Vec::new();
        let mut listed = HashSet::<RefId, BuildHasherDefault<Passed>>::default();
        for (id, version) in held {
            let Some(()) = self.note_peer(link, *id, true) else { continue };
            let ours = self.version(*id);
            if ours > *version && listed.insert(*id) {
                newer.push((*id, ours));
            }
        }
        newer
    }

    /// The peer ends its subscriptions.
    pub(crate) fn peer_unsubscribed(&mut self, link: LinkId, ids: &[RefId]) {
        for id in ids {
            self.note_peer(link, *id, false);
        }
    }

    /// Whether the peer is subscribed, from now on. `None` if it does not share the reacton.
    fn note_peer(&mut self, link: LinkId, id: RefId, subscribed: bool) -> Option<()> {
        let end = self.ends.get_mut(&link)?;
        let interest = end.shared.get_mut(&id)?;
        match (std::mem::replace(&mut interest.peer_subscribed, subscribed), subscribed) {
            (false, true) => end.unsent -= 1,
            (true, false) => end.unsent += 1,
            _ => {}
        }
        Some(())
    }

    #[inline]
    fn interest(&self, link: LinkId, id: RefId) -> Option<&Interest> {
        self.ends.get(&link)?.shared.get(&id)
    }

    fn interest_mut(&mut self, link: LinkId, id: RefId) -> Option<&mut Interest> {
        self.ends.get_mut(&link)?.shared.get_mut(&id)
    }
}

#[cfg(test)]
mod tests;
