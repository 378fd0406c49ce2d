//! Changes: a reacton, a value and its version. A transaction is a list of them; one short change fits into a few
//! numbers.

use std::iter::Chain;
use std::ops::Deref;
use std::{option, vec};

use reacton_core::RefId;

pub use reacton_core::Version;

use super::value::{Bytes, Encoded, IN_PLACE, Payload};

/// A short change as numbers.
pub(crate) type ChangeWords = [u64; 6];

impl Change {
    /// The change as numbers; `None` if it does not fit.
    #[inline]
    pub(crate) fn to_words(&self) -> Option<ChangeWords> {
        let Payload::Bytes(Encoded(Bytes::InPlace { len, bytes })) = &self.payload else {
            return None;
        };
        let mut tail = [0; IN_PLACE + 2];
        tail[0] = u8::from(self.announced);
        tail[1] = *len;
        tail[2..].copy_from_slice(bytes);
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&tail[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Some([self.id.as_u64(), self.version.clock, self.version.site, word(0), word(8), word(16)])
    }

    /// The change that these numbers encode.
    #[inline]
    pub(crate) fn from_words([id, clock, site, words @ ..]: ChangeWords) -> Self {
        let mut tail = [0; IN_PLACE + 2];
        for (place, word) in tail.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let [announced, len, bytes @ ..] = tail;
        let bytes = Bytes::InPlace { len, bytes };
        Self {
            id: RefId::from_u64(id),
            version: Version { clock, site },
            announced: announced != 0,
            payload: Payload::Bytes(Encoded(bytes)),
        }
    }
}

/// One reacton in a transaction.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which reacton.
    pub id: RefId,
    /// When the value was written. One for each change, because what is merged mixes them.
    pub version: Version,
    /// Whether observers are called even if the value is equal: it was touched.
    pub announced: bool,
    /// The value.
    pub payload: Payload,
}

/// The changes of one transaction. A single one, the usual case, needs no allocation.
#[derive(Debug, Clone)]
pub struct ChangeList(List);

#[derive(Debug, Clone)]
enum List {
    One(Change),
    Many(Vec<Change>),
}

impl ChangeList {
    pub(crate) const NONE: Self = Self(List::Many(Vec::new()));

    #[inline]
    pub(crate) fn one(change: Change) -> Self {
        Self(List::One(change))
    }

    #[inline]
    pub(crate) fn push(&mut self, change: Change) {
        match &mut self.0 {
            List::Many(changes) if changes.capacity() == 0 => self.0 = List::One(change),
            List::Many(changes) => changes.push(change),
            List::One(_) => {
                let List::One(first) = std::mem::replace(&mut self.0, List::Many(Vec::new()))
                else {
                    return;
                };
                self.0 = List::Many(vec![first, change]);
            }
        }
    }

    /// Marks each change, so that observers are called even if their value is equal.
    pub(crate) fn announce(&mut self) {
        let changes = match &mut self.0 {
            List::One(change) => std::slice::from_mut(change),
            List::Many(changes) => changes,
        };
        for change in changes {
            change.announced = true;
        }
    }
}

impl Deref for ChangeList {
    type Target = [Change];

    fn deref(&self) -> &[Change] {
        match &self.0 {
            List::One(change) => std::slice::from_ref(change),
            List::Many(changes) => changes,
        }
    }
}

impl AsRef<[Change]> for ChangeList {
    fn as_ref(&self) -> &[Change] {
        self
    }
}

impl From<Vec<Change>> for ChangeList {
    fn from(changes: Vec<Change>) -> Self {
        Self(List::Many(changes))
    }
}

impl From<ChangeList> for Vec<Change> {
    fn from(changes: ChangeList) -> Self {
        match changes.0 {
            List::One(change) => vec![change],
            List::Many(changes) => changes,
        }
    }
}

impl IntoIterator for ChangeList {
    type Item = Change;
    type IntoIter = Chain<option::IntoIter<Change>, vec::IntoIter<Change>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self.0 {
            List::One(change) => (Some(change), Vec::new()),
            List::Many(changes) => (None, changes),
        };
        one.into_iter().chain(many)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_stands_in_place_makes_nothing_larger() {
        assert_eq!(size_of::<Payload>(), size_of::<Option<Arc<[u8]>>>() + 8);
        assert_eq!(size_of::<ChangeList>(), size_of::<Change>());
    }

    #[test]
    fn a_short_change_comes_back_from_its_numbers() {
        for len in [0, 9, IN_PLACE] {
            let bytes = vec![200; len];
            let change = Change {
                id: RefId::of("a"),
                version: Version { clock: u64::MAX, site: 7 },
                announced: len == 9,
                payload: Payload::Bytes(Encoded::from(&bytes[..])),
            };
            let back = Change::from_words(change.to_words().expect("the change fits into words"));
            assert_eq!((back.id, back.version), (change.id, change.version));
            assert_eq!(back.announced, change.announced);
            assert!(matches!(back.payload, Payload::Bytes(back) if *back == *bytes));
        }
    }

    #[test]
    fn changes_are_listed_in_order() {
        let change = |clock| Change {
            id: RefId::of("a"),
            version: Version { clock, site: 1 },
            announced: false,
            payload: Payload::Bytes(Encoded::from(&[][..])),
        };
        let mut list = ChangeList::NONE;
        for clock in 1..=3 {
            list.push(change(clock));
            let seen: Vec<_> = list.iter().map(|change| change.version.clock).collect();
            assert_eq!(seen, (1..=clock).collect::<Vec<_>>());
            let taken: Vec<_> =
                list.clone().into_iter().map(|change| change.version.clock).collect();
            assert_eq!(taken, seen);
        }
    }
}
