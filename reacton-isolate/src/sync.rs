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
    site: u64,
    clock: u64,
    versions: RefMap<Version>,
    /// The versions that the last transaction has replaced, for a value that turns out not to be sendable.
    replaced: Vec<(RefId, Version)>,
    ends: BTreeMap<LinkId, End>,
    rounds: Rounds,
}

impl Sync {
    pub(crate) fn new(site: u64) -> Self {
        Self {
            site,
            clock: 0,
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

    /// Takes over the versions of the store that spawned this one, unconditionally (rule 12).
    pub(crate) fn begin(
        &mut self,
        site: u64,
        clock: u64,
        held: impl Iterator<Item = (RefId, Version)>,
    ) {
        self.site = site;
        self.clock = clock;
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
    pub(crate) fn raise(&mut self, clock: u64) -> Result<(), ImplausibleClock> {
        if !self.is_plausible(clock) {
            return Err(ImplausibleClock { clock, own: self.clock });
        }
        self.clock = self.clock.max(clock);
        self.forget_replaced();
        Ok(())
    }

    /// Whether a message may carry this clock. Otherwise one hostile or broken message could raise the clock to where
    /// no other store can follow.
    #[inline]
    fn is_plausible(&self, clock: u64) -> bool {
        clock < CLOCK_LIMIT && clock.saturating_sub(self.clock) < MAX_RAISE
    }

    /// Whether a change that came over `link` is accepted: only if it is strictly newer (rule 2), and only while this
    /// end is subscribed (rule 11).
    #[inline]
    pub(crate) fn accepts(&self, link: LinkId, id: RefId, version: Version) -> bool {
        self.is_plausible(version.clock)
            && self.is_subscribed(link, id)
            && version > self.version(id)
    }

    /// As [`accepts`](Self::accepts), for a value that is made of entries: each of them has a version of its own.
    #[inline]
    pub(crate) fn accepts_entries(&self, link: LinkId, id: RefId, version: Version) -> bool {
        self.is_plausible(version.clock) && self.is_subscribed(link, id)
    }

    /// Records that entries were joined. The version of a value that is made of entries is the largest one of its transactions.
    pub(crate) fn accept_entries(&mut self, id: RefId, version: Version) {
        let version = version.max(self.version(id));
        self.versions.insert(id, version);
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
    ) -> Result<Vec<(RefId, Version)>, ImplausibleClock> {
        // The clocks in the message count as any other (rule 5).
        let newest = held.iter().map(|(_, version)| version.clock).max();
        self.raise(newest.unwrap_or(0))?;
        let mut newer = Vec::new();
        let mut listed = HashSet::<RefId, BuildHasherDefault<Passed>>::default();
        for (id, version) in held {
            let Some(()) = self.note_peer(link, *id, true) else { continue };
            let ours = self.version(*id);
            if ours > *version && listed.insert(*id) {
                newer.push((*id, ours));
            }
        }
        Ok(newer)
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
mod tests {
    use super::*;

    const X: RefId = RefId::of("x");
    const Y: RefId = RefId::of("y");
    const ONE: LinkId = LinkId(1);
    const TWO: LinkId = LinkId(2);

    fn store(site: u64) -> Sync {
        let all = |id| (id, Interest { peer_subscribed: true, subscribed: true });
        let mut sync = Sync::new(site);
        sync.join(ONE, [X, Y].map(all).into_iter());
        sync.join(TWO, [X].map(all).into_iter());
        sync
    }

    #[test]
    fn one_version_for_a_transaction() {
        let mut sync = store(1);
        let version = sync.commit([X, Y].into_iter());
        assert_eq!((sync.version(X), sync.version(Y)), (version, version));
        assert!(sync.commit([X].into_iter()) > version);
    }

    #[test]
    fn the_larger_clock_wins_and_then_the_larger_site() {
        let mut sync = store(2);
        sync.commit([X].into_iter());
        let version = |clock, site| Version { clock, site };
        assert!(!sync.accepts(ONE, X, version(1, 1)));
        assert!(!sync.accepts(ONE, X, version(1, 2)), "an equal version is not newer");
        assert!(sync.accepts(ONE, X, version(1, 3)));
        assert!(sync.accepts(ONE, X, version(2, 1)));
    }

    #[test]
    fn what_is_heard_moves_the_clock_even_if_it_loses() {
        let mut sync = store(1);
        assert_eq!(sync.raise(41), Ok(()));
        assert_eq!(sync.raise(7), Ok(()));
        assert_eq!(sync.clock(), 41);
        assert_eq!(sync.commit([X].into_iter()).clock, 42);
    }

    #[test]
    fn a_clock_is_raised_by_less_than_2_to_the_40_and_below_2_to_the_63() {
        let mut sync = store(1);
        let at = |clock| Version { clock, site: 9 };
        let implausible = |clock, own| Err(ImplausibleClock { clock, own });
        assert_eq!(sync.raise(MAX_RAISE), implausible(MAX_RAISE, 0));
        assert!(!sync.accepts(ONE, X, at(MAX_RAISE)) && sync.accepts(ONE, X, at(MAX_RAISE - 1)));
        assert_eq!(
            sync.peer_subscribed(ONE, &[(X, at(3)), (Y, at(MAX_RAISE))]),
            implausible(MAX_RAISE, 0).map(|()| Vec::new())
        );
        assert_eq!(sync.clock(), 0, "a refused version has raised the clock");
        assert_eq!(sync.raise(MAX_RAISE - 1), Ok(()));
        assert_eq!(sync.raise(MAX_RAISE), Ok(()), "the next message may raise the clock further");
        sync.begin(1, CLOCK_LIMIT - 2, std::iter::empty());
        assert_eq!(sync.raise(CLOCK_LIMIT - 1), Ok(()));
        assert_eq!(sync.raise(CLOCK_LIMIT), implausible(CLOCK_LIMIT, CLOCK_LIMIT - 1));
        assert!(!sync.accepts(ONE, X, at(CLOCK_LIMIT)));
    }

    #[test]
    fn a_store_that_begins_with_the_largest_clock_of_a_handshake_still_sends_and_receives() {
        let mut sync = store(1);
        sync.begin(1, SNAPSHOT_LIMIT - 1, std::iter::empty());
        assert_eq!(sync.commit([X].into_iter()).clock, SNAPSHOT_LIMIT);
        assert_eq!(sync.raise(SNAPSHOT_LIMIT + MAX_RAISE - 1), Ok(()));
        assert_eq!(sync.commit([X].into_iter()).clock, SNAPSHOT_LIMIT + MAX_RAISE);
    }

    #[test]
    fn nothing_is_sent_back_or_to_links_that_are_not_subscribed() {
        let mut sync = store(1);
        assert!(sync.sends(TWO, X, Some(ONE)) && !sync.sends(ONE, X, Some(ONE)));
        sync.peer_unsubscribed(ONE, &[X]);
        assert!(!sync.sends(ONE, X, None));
        assert_eq!(sync.peer_subscribed(ONE, &[(X, Version::NEVER)]), Ok(Vec::new()));
        assert!(sync.sends(ONE, X, None));
    }

    #[test]
    fn a_subscription_brings_what_is_newer() {
        let mut sync = store(1);
        let version = sync.commit([X].into_iter());
        assert_eq!(
            sync.peer_subscribed(ONE, &[(X, Version::NEVER), (Y, Version::NEVER)]),
            Ok(vec![(X, version)])
        );
        assert_eq!(sync.peer_subscribed(ONE, &[(X, version)]), Ok(Vec::new()));
    }

    #[test]
    fn changes_of_a_paused_reacton_are_refused() {
        let mut sync = store(1);
        assert!(sync.pause(ONE, X) && !sync.pause(ONE, X));
        assert!(!sync.accepts(ONE, X, Version { clock: 9, site: 9 }));
        assert!(sync.resume(ONE, X));
        assert!(sync.accepts(ONE, X, Version { clock: 9, site: 9 }));
    }

    #[test]
    fn a_value_that_was_not_sent_is_replaced_by_any_other() {
        let mut sync = store(9);
        sync.commit([X].into_iter());
        sync.disown(X);
        assert!(sync.accepts(ONE, X, Version { clock: 1, site: 1 }));
    }

    #[test]
    fn a_value_that_was_not_sent_is_replaced_by_what_it_replaced_but_by_nothing_older() {
        let mut sync = store(9);
        let (older, held) = (Version { clock: 5, site: 3 }, Version { clock: 6, site: 4 });
        assert_eq!(sync.raise(held.clock), Ok(()));
        sync.accept(X, held);
        for _ in 0..3 {
            // The others hold `held` and have dropped `older`, so this store must do the same.
            sync.commit([X].into_iter());
            sync.disown(X);
            assert!(!sync.accepts(ONE, X, older) && sync.accepts(ONE, X, held));
        }
        assert_eq!(
            sync.peer_subscribed(ONE, &[(X, held)]),
            Ok(Vec::new()),
            "a value that was not sent is not sent later"
        );
    }

    #[test]
    fn the_memory_of_a_long_transaction_is_freed_and_that_of_a_short_one_is_kept() {
        let mut sync = store(1);
        sync.commit([X, Y].into_iter());
        sync.commit(std::iter::empty());
        assert!(sync.replaced.capacity() >= 2);
        sync.commit((0..=KEPT).map(|number| RefId::of(&number.to_string())));
        sync.commit([X].into_iter());
        assert!(sync.replaced.capacity() <= KEPT);
        sync.replaced = Vec::with_capacity(KEPT);
        sync.commit([X].into_iter());
        assert_eq!(sync.replaced.capacity(), KEPT);
    }

    #[test]
    fn nothing_is_sent_to_a_closed_link_or_accepted_from_it() {
        let mut sync = store(1);
        sync.leave(ONE);
        let newer = Version { clock: 9, site: 9 };
        assert!(!sync.sends(ONE, X, None) && !sync.accepts(ONE, X, newer));
        assert!(sync.sends(TWO, X, None) && sync.accepts(TWO, X, newer));
    }
}
