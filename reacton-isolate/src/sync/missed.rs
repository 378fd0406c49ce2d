//! The entries of paused collections that one end of a link has not applied or not sent (M8, M9).

use std::collections::BTreeSet;

use reacton_core::{RefId, Version};

use super::{End, LinkId, Sync};
use crate::wire::edits::Held;
use crate::wire::value::Encoded;

/// The missed entries of one reacton, at one end of a link.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// The keys of changes that arrived while this end had paused the reacton, until a subscription with these keys was
    /// answered.
    keys: BTreeSet<Encoded>,
    /// The keys of changes that were not sent since the peer ended its subscription.
    unsent: BTreeSet<Encoded>,
    /// The number of the last subscription of this end.
    asked: u64,
    /// The number of the last one that was answered.
    answered: u64,
}

impl Missed {
    fn is_awaited(&self) -> bool {
        self.asked != self.answered
    }
}

impl Sync {
    fn missed(&mut self, link: LinkId, id: RefId) -> Option<&mut Missed> {
        let end = self.ends.get_mut(&link)?;
        end.shared.contains_key(&id).then(|| end.missed.entry(id).or_default())
    }

    /// Records a change of a paused reacton, which is not applied.
    pub(crate) fn miss<'k>(
        &mut self,
        link: LinkId,
        id: RefId,
        keys: impl Iterator<Item = &'k Encoded>,
    ) {
        if let Some(missed) = self.missed(link, id) {
            missed.keys.extend(keys.cloned());
        }
    }

    /// Records a change that is not sent over `link`, if the peer shares the reacton and is not subscribed to it.
    pub(crate) fn keep_unsent<'k>(
        &mut self,
        link: LinkId,
        id: RefId,
        keys: impl Iterator<Item = &'k Encoded>,
    ) {
        let is_subscribed = |sync: &Self| Some(sync.interest(link, id)?.peer_subscribed);
        if is_subscribed(self) == Some(false)
            && let Some(missed) = self.missed(link, id)
        {
            missed.unsent.extend(keys.cloned());
        }
    }

    /// Returns the content of a new subscription of this end.
    pub(crate) fn ask(&mut self, link: LinkId, id: RefId) -> Held {
        let Some(missed) = self.missed(link, id) else { return Held::Version(Version::NEVER) };
        missed.asked += 1;
        Held::Missed { serial: missed.asked, keys: missed.keys.iter().cloned().collect() }
    }

    /// Records that a subscription was answered. Its keys are not missed any more, unless the reacton is paused again.
    pub(crate) fn answered(&mut self, link: LinkId, id: RefId, serial: u64) {
        let is_subscribed = self.is_subscribed(link, id);
        let Some(missed) = self.missed(link, id).filter(|missed| serial == missed.asked) else {
            return;
        };
        missed.answered = serial;
        if is_subscribed {
            missed.keys.clear();
        }
    }

    /// Whether an answer is expected on `link`.
    pub(crate) fn awaits_answer(&self, link: LinkId) -> bool {
        let awaits = |end: &End| end.missed.values().any(Missed::is_awaited);
        self.ends.get(&link).is_some_and(awaits)
    }

    /// Records that the peer subscribes and has missed the changes of these keys. Returns the keys that it must
    /// receive; `None` if it does not share the reacton.
    pub(crate) fn peer_asked(
        &mut self,
        link: LinkId,
        id: RefId,
        keys: Vec<Encoded>,
    ) -> Option<Vec<Encoded>> {
        self.note_peer(link, id, true)?;
        let mut all = std::mem::take(&mut self.missed(link, id)?.unsent);
        all.extend(keys);
        Some(all.into_iter().collect())
    }

    /// The reactons whose missed entries may still arrive, older than the present ones: this end has paused them, or
    /// waits for an answer.
    pub(super) fn paused(&self) -> BTreeSet<RefId> {
        let mut paused = BTreeSet::new();
        for end in self.ends.values() {
            let unsubscribed = end.shared.iter().filter(|(_, interest)| !interest.subscribed);
            paused.extend(unsubscribed.map(|(id, _)| *id));
            let waiting = end.missed.iter().filter(|(_, missed)| missed.is_awaited());
            paused.extend(waiting.map(|(id, _)| *id));
        }
        paused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Interest;

    const X: RefId = RefId::of("x");
    const ONE: LinkId = LinkId(1);

    fn sync() -> Sync {
        let mut sync = Sync::new(1);
        let interest = Interest { peer_subscribed: true, subscribed: true };
        sync.join(ONE, [(X, interest)].into_iter());
        sync
    }

    fn key(key: u8) -> Encoded {
        Encoded::from(&[key][..])
    }

    fn asked(sync: &mut Sync) -> (u64, Vec<u8>) {
        let Held::Missed { serial, keys } = sync.ask(ONE, X) else { panic!("`X` is shared") };
        (serial, keys.iter().map(|key| key[0]).collect())
    }

    #[test]
    fn what_was_missed_is_named_until_a_subscription_that_named_it_is_answered() {
        let mut sync = sync();
        sync.pause(ONE, X);
        sync.miss(ONE, X, [key(1), key(2), key(1)].iter());
        sync.resume(ONE, X);
        assert_eq!(asked(&mut sync), (1, vec![1, 2]));
        assert!(sync.paused().contains(&X));
        sync.pause(ONE, X);
        sync.miss(ONE, X, [key(3)].iter());
        assert!(sync.awaits_answer(ONE));
        sync.answered(ONE, X, 1);
        assert!(!sync.awaits_answer(ONE));
        sync.resume(ONE, X);
        assert_eq!(
            asked(&mut sync),
            (2, vec![1, 2, 3]),
            "key 3 was missed while the reacton was paused again"
        );
        sync.answered(ONE, X, 1);
        assert!(
            sync.paused().contains(&X),
            "an answer with an old serial number has ended the pause"
        );
        sync.answered(ONE, X, 2);
        assert!(sync.paused().is_empty() && !sync.awaits_answer(ONE));
        assert_eq!(asked(&mut sync), (3, vec![]));
    }

    #[test]
    fn what_was_not_sent_is_sent_with_what_was_missed() {
        let mut sync = sync();
        sync.keep_unsent(ONE, X, [key(9)].iter());
        sync.peer_unsubscribed(ONE, &[X]);
        sync.keep_unsent(ONE, X, [key(1), key(2)].iter());
        assert_eq!(
            sync.peer_asked(ONE, X, vec![key(2), key(3)]),
            Some(vec![key(1), key(2), key(3)])
        );
        assert!(sync.sends(ONE, X, None));
        assert_eq!(sync.peer_asked(ONE, X, Vec::new()), Some(Vec::new()));
        assert_eq!(sync.peer_asked(LinkId(2), X, Vec::new()), None);
    }
}
