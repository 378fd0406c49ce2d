//! The pending messages of a link under [`Delivery::Latest`](super::Delivery::Latest), merged until the receiver takes
//! them.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reacton_core::{ChangeStamp, Merging, RefId, RefMap};

use crate::error::LinkError;
use crate::wire::change::{Change, ChangeList};
use crate::wire::edits::{Composed, Edits, Held, RecordBody, Records};
use crate::wire::message::{IsolateMessage, NO_MARK};
use crate::wire::value::{Encoded, Payload};

/// Up to this number of changes, a change is found by a linear search; beyond, by an index.
const SCANNED: usize = 16;

/// Where the change of a reacton lay among those that waited, when it was last merged. It saves looking it up.
#[derive(Debug, Default)]
pub(crate) struct Place(Cell<usize>);

/// The newest change of each reacton, in the order of their first change. Merging takes constant time.
#[derive(Default)]
pub(super) struct Newest {
    changes: Vec<Change>,
    /// The index in `changes` of each reacton's change. Empty while there are at most [`SCANNED`].
    places: RefMap<usize>,
    /// Of the reactons that are made of entries: what their changes, which stand in `changes` without edits, have written.
    edits: RefMap<Composed>,
}

impl Newest {
    fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The pending change of `id`.
    fn get(&self, id: RefId) -> Option<&Change> {
        self.place(id).and_then(|place| self.changes.get(place))
    }

    fn place(&self, id: RefId) -> Option<usize> {
        if self.changes.len() <= SCANNED {
            self.changes.iter().position(|change| change.id == id)
        } else {
            self.places.get(&id).copied()
        }
    }

    /// As [`place`](Self::place), of a reacton whose change was probably there when it was last looked up.
    #[inline]
    fn place_near(&self, id: RefId, guess: &Place) -> Option<usize> {
        if self.changes.get(guess.0.get()).is_some_and(|change| change.id == id) {
            return Some(guess.0.get());
        }
        let place = self.place(id);
        guess.0.set(place.unwrap_or(self.changes.len()));
        place
    }

    /// Keeps the value with the newer version and the announcements of both. Returns the other change.
    #[inline]
    fn merge(&mut self, change: Change, guess: &Place) -> Option<Change> {
        if change.payload.is_edits() {
            self.merge_edits(change)
        } else {
            self.merge_whole(change, guess)
        }
    }

    fn merge_whole(&mut self, change: Change, guess: &Place) -> Option<Change> {
        let place = self.place_near(change.id, guess);
        if let Some(pending) = place.and_then(|place| self.changes.get_mut(place)) {
            let announced = change.announced | pending.announced;
            let is_older = change.version < pending.version;
            let displaced = if is_older { change } else { std::mem::replace(pending, change) };
            pending.announced = announced;
            return Some(displaced);
        }
        let (id, place) = (change.id, self.changes.len());
        self.changes.push(change);
        if place == SCANNED {
            let places = self.changes.iter().enumerate();
            self.places = places.map(|(place, change)| (change.id, place)).collect();
        } else if place > SCANNED {
            self.places.insert(id, place);
        }
        None
    }

    /// Composes what was written entry by entry. The versions are those of the records.
    #[cold]
    fn merge_edits(&mut self, mut change: Change) -> Option<Change> {
        let nothing = Payload::Bytes(Encoded::from(&[][..]));
        let edits = std::mem::replace(&mut change.payload, nothing);
        let Payload::Edits(edits) = edits else { return None };
        let mut displaced = Records::new();
        self.edits.entry(change.id).or_default().merge(edits, &mut displaced);
        if let Some(pending) = self.get(change.id) {
            change.version = change.version.max(pending.version);
        }
        let replaced = self.merge_whole(change, &Place::default())?;
        // Bytes may be dropped anywhere.
        displaced.retain(|record| matches!(&record.body, RecordBody::Counted(_)));
        let records = Edits { records: displaced, ..Edits::default() };
        (!records.is_empty())
            .then(|| Change { payload: Payload::Edits(Arc::new(records)), ..replaced })
    }

    /// The changes, in the order of the first of each reacton.
    fn into_changes(mut self) -> Vec<Change> {
        if !self.edits.is_empty() {
            for change in &mut self.changes {
                if let Some(edits) = self.edits.remove(&change.id) {
                    change.payload = Payload::Edits(Arc::new(edits.into_edits()));
                }
            }
        }
        self.changes
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }
}

/// What has become of a subscription.
enum Interest {
    Begins(Held),
    Ends,
    /// It has begun and ended. It is sent nevertheless, because that of a collection is answered always, and those that are resumed
    /// together stay together (M9).
    BeginsAndEnds(Held),
}

/// The pending messages: subscriptions first, then changes, then the end (rule 13).
#[derive(Default)]
pub(super) struct Pending {
    /// What raises the clock, before all others. It is not merged, because each leap may be as long as is allowed (rule 5).
    leaps: Vec<IsolateMessage>,
    /// The last message for each reacton.
    interest: BTreeMap<RefId, Interest>,
    clock: u64,
    pub(super) changes: Newest,
    /// Only the last error, because only that is shown.
    value_error: Option<LinkError>,
    rest: Vec<IsolateMessage>,
}

impl Pending {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.interest.is_empty()
            && self.leaps.is_empty()
            && self.changes.is_empty()
            && self.value_error.is_none()
            && self.rest.is_empty()
    }

    /// Merges a message. The values that it replaces are returned, to be dropped outside of the lock.
    pub(super) fn merge(&mut self, message: IsolateMessage) -> ChangeList {
        let mut displaced = ChangeList::NONE;
        match message {
            IsolateMessage::ReactonValueChanged { clock, changes } => {
                let newest = self.newest(clock);
                let merge = |change| newest.merge(change, &Place::default());
                for change in changes.into_iter().filter_map(merge) {
                    displaced.push(change);
                }
            }
            IsolateMessage::ReactonSubscribe { held } => {
                let begins = held.into_iter().map(|(id, held)| (id, Interest::Begins(held)));
                self.interest.extend(begins);
            }
            IsolateMessage::ReactonUnsubscribe { ids } => {
                for id in ids {
                    let ends = match self.interest.remove(&id) {
                        Some(Interest::Begins(held) | Interest::BeginsAndEnds(held)) => {
                            Interest::BeginsAndEnds(held)
                        }
                        Some(Interest::Ends) | None => Interest::Ends,
                    };
                    self.interest.insert(id, ends);
                }
            }
            IsolateMessage::ValueError { error } => self.value_error = Some(error),
            message @ IsolateMessage::Marked { mark: NO_MARK, .. } => self.leaps.push(message),
            message => self.rest.push(message),
        }
        displaced
    }

    /// As [`merge`](Self::merge), for one change.
    #[inline]
    pub(super) fn merge_change(
        &mut self,
        clock: u64,
        change: Change,
        guess: &Place,
    ) -> Option<Change> {
        self.newest(clock).merge(change, guess)
    }

    /// What the pending transaction has written of the reacton `id` that is made of entries.
    pub(super) fn composed(&self, id: RefId) -> Option<&Composed> {
        self.changes.edits.get(&id)
    }

    /// The list into which the changes of a transaction with this clock are merged.
    #[inline]
    fn newest(&mut self, clock: u64) -> &mut Newest {
        self.clock = self.clock.max(clock);
        &mut self.changes
    }

    pub(super) fn into_messages(self) -> Vec<IsolateMessage> {
        let mut messages = self.leaps;
        let (mut ended, mut begun, mut ended_again) = (Vec::new(), Vec::new(), Vec::new());
        for (id, interest) in self.interest {
            match interest {
                Interest::Ends => ended.push(id),
                Interest::Begins(held) => begun.push((id, held)),
                Interest::BeginsAndEnds(held) => {
                    begun.push((id, held));
                    ended_again.push(id);
                }
            }
        }
        let ends = |ids: Vec<_>| IsolateMessage::ReactonUnsubscribe { ids };
        messages.extend((!ended.is_empty()).then(|| ends(ended)));
        if !begun.is_empty() {
            messages.push(IsolateMessage::ReactonSubscribe { held: begun });
        }
        messages.extend((!ended_again.is_empty()).then(|| ends(ended_again)));
        if !self.changes.is_empty() {
            messages.push(IsolateMessage::ReactonValueChanged {
                clock: self.clock,
                changes: self.changes.into_changes().into(),
            });
        }
        messages.extend(self.value_error.map(|error| IsolateMessage::ValueError { error }));
        messages.extend(self.rest);
        messages
    }
}

/// The pending messages, shared by both ends of the link.
#[derive(Default)]
pub(super) struct Slot(Mutex<Pending>);

impl Slot {
    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Merging for Slot {
    fn stamp(&self, id: RefId) -> Option<ChangeStamp> {
        self.lock().changes.get(id).map(|change| change.version.stamp())
    }

    fn payload(&self, id: RefId) -> Option<Box<dyn Any>> {
        let payload = self.lock().changes.get(id)?.payload.clone();
        Some(Box::new(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::random::Random;
    use crate::wire::change::Version;

    fn change(id: &str, clock: u64, announced: bool) -> IsolateMessage {
        let payload = Payload::Bytes(Encoded::from(&[u8::try_from(clock).unwrap_or(0)][..]));
        let version = Version { clock, site: 1 };
        let changes = vec![Change { id: RefId::of(id), version, announced, payload }].into();
        IsolateMessage::ReactonValueChanged { clock, changes }
    }

    /// Clock and announcement of each change of the only pending transaction, which has the clock 3.
    fn only_transaction(pending: Pending) -> Vec<(u64, bool)> {
        let messages = pending.into_messages();
        let [IsolateMessage::ReactonValueChanged { clock: 3, changes }] = &messages[..] else {
            panic!("expected one transaction, got {messages:?}")
        };
        changes.iter().map(|change| (change.version.clock, change.announced)).collect()
    }

    #[test]
    fn merging_keeps_the_newest_value_of_each_and_every_announcement() {
        let mut pending = Pending::default();
        pending.merge(change("a", 1, true));
        pending.merge(change("b", 2, false));
        assert_eq!(pending.merge(change("a", 3, false)).len(), 1);
        assert_eq!(only_transaction(pending), [(3, true), (2, false)]);
    }

    #[test]
    fn merging_keeps_the_newer_value_though_the_older_comes_later() {
        let mut pending = Pending::default();
        pending.merge(change("a", 3, false));
        assert_eq!(pending.merge(change("a", 2, true)).len(), 1, "the older value is dropped");
        pending.merge(change("b", 2, false));
        assert_eq!(only_transaction(pending), [(3, true), (2, false)]);
    }

    #[test]
    fn subscriptions_come_before_changes_and_the_end_comes_last() {
        let mut pending = Pending::default();
        pending.merge(change("a", 1, false));
        pending.merge(IsolateMessage::Drain);
        pending.merge(IsolateMessage::ReactonUnsubscribe { ids: vec![RefId::of("a")] });
        pending.merge(IsolateMessage::ReactonSubscribe {
            held: vec![(RefId::of("a"), Held::Version(Version::NEVER))],
        });
        let messages = pending.into_messages();
        assert!(matches!(
            &messages[..],
            [
                IsolateMessage::ReactonSubscribe { .. },
                IsolateMessage::ReactonValueChanged { .. },
                IsolateMessage::Drain
            ]
        ));
    }

    #[test]
    fn a_subscription_that_is_to_be_answered_stays_though_it_ends() {
        let (id, mut pending) = (RefId::of("a"), Pending::default());
        let ask = |serial| {
            let held = vec![(id, Held::Missed { serial, keys: Vec::new() })];
            IsolateMessage::ReactonSubscribe { held }
        };
        let end = || IsolateMessage::ReactonUnsubscribe { ids: vec![id] };
        for message in [end(), ask(1), end()] {
            pending.merge(message);
        }
        let messages = pending.into_messages();
        let [IsolateMessage::ReactonSubscribe { .. }, IsolateMessage::ReactonUnsubscribe { .. }] =
            &messages[..]
        else {
            panic!("expected a subscription and its end, got {messages:?}")
        };
    }

    #[test]
    fn what_is_resumed_together_is_sent_together_though_it_ends() {
        let (rows, title, mut pending) =
            (RefId::of("rows"), RefId::of("title"), Pending::default());
        let both = || vec![rows, title];
        pending.merge(IsolateMessage::ReactonUnsubscribe { ids: both() });
        let missed = Held::Missed { serial: 1, keys: Vec::new() };
        let held = vec![(rows, missed), (title, Held::Version(Version::NEVER))];
        pending.merge(IsolateMessage::ReactonSubscribe { held });
        pending.merge(IsolateMessage::ReactonUnsubscribe { ids: both() });
        let messages = pending.into_messages();
        let [IsolateMessage::ReactonSubscribe { held }, IsolateMessage::ReactonUnsubscribe { ids }] =
            &messages[..]
        else {
            panic!("both are asked for, and then both ended: {messages:?}")
        };
        let asked = held.iter().map(|(id, _)| *id).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(asked, both().into_iter().collect());
        assert_eq!(ids.iter().copied().collect::<std::collections::BTreeSet<_>>(), asked);
    }

    #[test]
    fn what_waits_is_bounded_also_if_nothing_encodes() {
        let mut pending = Pending::default();
        for clock in [1, 2, 3] {
            pending.merge(change("a", clock, false));
            let error = LinkError::Malformed { reason: clock.to_string() };
            pending.merge(IsolateMessage::ValueError { error });
        }
        let messages = pending.into_messages();
        let [IsolateMessage::ReactonValueChanged { .. }, IsolateMessage::ValueError { error }] =
            &messages[..]
        else {
            panic!("expected one value and one error, got {messages:?}")
        };
        assert!(error.to_string().ends_with('3'), "only the last error is kept: {error}");
    }

    /// A list with a linear search, with which [`Newest`] is compared.
    #[derive(Default)]
    struct Naive(Vec<Change>);

    impl Naive {
        fn merge(&mut self, change: Change) -> Option<Change> {
            let Some(old) = self.0.iter_mut().find(|old| old.id == change.id) else {
                self.0.push(change);
                return None;
            };
            let announced = old.announced || change.announced;
            let is_newer = change.version >= old.version;
            let displaced = if is_newer { std::mem::replace(old, change) } else { change };
            old.announced = announced;
            Some(displaced)
        }
    }

    fn facts(change: &Change) -> (RefId, Version, bool) {
        (change.id, change.version, change.announced)
    }

    #[test]
    fn merging_by_an_index_is_merging_by_a_list() {
        let random = Random::new(15);
        for ids in [1, 2, SCANNED - 1, SCANNED, SCANNED + 1, 3 * SCANNED, 200] {
            let (mut newest, mut naive) = (Newest::default(), Naive::default());
            let guesses: Vec<_> = (0..ids).map(|_| Place::default()).collect();
            for _ in 0..2000 {
                let which = random.below(ids);
                let change = Change {
                    id: RefId::of(&which.to_string()),
                    version: Version {
                        clock: random.below(50) as u64,
                        site: random.below(3) as u64,
                    },
                    announced: random.below(4) == 0,
                    payload: Payload::Bytes(Encoded::from(&[][..])),
                };
                let displaced = naive.merge(change.clone());
                let expected = displaced.as_ref().map(|change| (change.id, change.version));
                // A guess is one of another list of changes, too.
                guesses[which].0.set(if random.below(4) == 0 {
                    random.below(ids)
                } else {
                    guesses[which].0.get()
                });
                let displaced = newest.merge(change, &guesses[which]);
                assert_eq!(displaced.map(|change| (change.id, change.version)), expected);
            }
            let (seen, expected) = (newest.changes.iter().map(facts), naive.0.iter().map(facts));
            assert!(
                seen.eq(expected),
                "the changes and their order are those of the model, with {ids} reactons"
            );
            for change in &naive.0 {
                assert_eq!(newest.get(change.id).map(facts), Some(facts(change)));
            }
            assert!(newest.get(RefId::of("another")).is_none());
        }
    }
}
