//! What goes over a link. The messages keep the names that the Dart package gave them.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::iter::Chain;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use std::{option, vec};

use reacton_core::{RefId, Stamp};

use crate::error::{LinkError, Mismatch};

/// The version of these messages; both ends of a link must speak the same.
pub(crate) const PROTOCOL: u32 = 1;

/// When a value was written: the writer's Lamport clock, and its site where two clocks are equal.
///
/// Of two values of one reacton the one with the larger version wins, in every store
/// (Lamport, "Time, clocks, and the ordering of events in a distributed system", 1978).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// Grows with each transaction and with each message from elsewhere.
    pub clock: u64,
    /// The store that wrote. Each store, also that of a restarted worker, has a site of its own, in all processes; 0 stands for none.
    pub site: u64,
}

impl Version {
    /// Never written: any other version is larger.
    pub const NEVER: Self = Self { clock: 0, site: 0 };

    /// As numbers that compare as versions do.
    pub(crate) fn stamp(self) -> Stamp {
        (self.clock, self.site)
    }

    /// So that this version counts as newer, and everything older than it does not.
    pub(crate) fn just_below(self) -> Self {
        match (self.clock, self.site) {
            (0, 0) => Self::NEVER,
            (clock, 0) => Self { clock: clock - 1, site: u64::MAX },
            (clock, site) => Self { clock, site: site - 1 },
        }
    }
}

/// A serialized value: a few bytes in place, more of them counted, so that what is relayed is not copied.
#[derive(Clone)]
pub struct Encoded(Bytes);

/// As many bytes as fit in place without making a [`Change`] larger than a count would: all numbers, names of variants
/// without fields, short texts.
const IN_PLACE: usize = 22;

#[derive(Clone)]
enum Bytes {
    InPlace {
        len: u8,
        bytes: [u8; IN_PLACE],
    },
    Counted(Arc<[u8]>),
    /// The buffer in which it was encoded: a long value is not copied once more.
    Whole(Arc<Vec<u8>>),
}

/// A short change as numbers.
pub(crate) type ChangeWords = [u64; 6];

impl Change {
    /// In so many numbers; `None` if it does not fit.
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

    /// The change that these numbers were made of.
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

impl Encoded {
    /// What `write` writes in place; it returns the length, or `None` if it does not fit.
    #[inline]
    pub(crate) fn written(write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<Self> {
        let mut bytes = [0; IN_PLACE];
        let len = u8::try_from(write(&mut bytes)?).ok()?;
        Some(Self(Bytes::InPlace { len, bytes }))
    }

    /// `None` if it does not fit in place.
    fn in_place(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; IN_PLACE];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self(Bytes::InPlace { len: u8::try_from(value.len()).ok()?, bytes }))
    }
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::InPlace { len, bytes } => &bytes[..usize::from(*len)],
            Bytes::Counted(bytes) => bytes,
            Bytes::Whole(bytes) => bytes,
        }
    }
}

/// Copies them.
impl From<&[u8]> for Encoded {
    fn from(bytes: &[u8]) -> Self {
        Self::in_place(bytes).unwrap_or_else(|| Self(Bytes::Counted(bytes.into())))
    }
}

/// Takes them over.
impl From<Vec<u8>> for Encoded {
    fn from(bytes: Vec<u8>) -> Self {
        Self::in_place(&bytes).unwrap_or_else(|| Self(Bytes::Whole(Arc::new(bytes))))
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// A value on its way.
#[derive(Clone)]
pub enum Payload {
    /// Serialized.
    Bytes(Encoded),
    /// Handed over by reference count: `zero_copy`.
    Counted(Arc<dyn Any + Send + Sync>),
}

impl Payload {
    /// The size of what is copied, in bytes: nothing for a value that is handed over.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Counted(_) => 0,
        }
    }

    /// Whether nothing is copied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Counted(_) => f.write_str("Counted"),
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
    /// Whether observers are told even if the value is equal to theirs: it was touched.
    pub announced: bool,
    /// The value.
    pub payload: Payload,
}

/// The changes of one transaction. One alone, as most are, stands in place.
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

    /// Marks each change, so that observers are called even where the value is equal to theirs.
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

/// How the main side introduces one shared reacton in the handshake.
#[derive(Debug, Clone)]
pub struct Introduction {
    /// Its id.
    pub id: RefId,
    /// The path of its declaration.
    pub name: Cow<'static, str>,
    /// The name of its values' type.
    pub type_name: Cow<'static, str>,
    /// The version of the value.
    pub version: Version,
    /// The committed value, as of the moment of the spawn.
    pub payload: Payload,
    /// Whether main takes in what the worker writes to it: not what is paused since before a restart.
    pub subscribed: bool,
}

/// Why a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// It was asked to, by `shutdown`, and has sent all that it had.
    Drained,
    /// It was disposed, from either side.
    Disposed,
    /// Its function returned an error.
    #[non_exhaustive]
    Failed {
        /// The error's words.
        message: String,
    },
    /// It panicked.
    #[non_exhaustive]
    Panicked {
        /// The panic's words.
        message: String,
        /// Where, as `file:line:column`, if the panic hook of this library was asked.
        location: Option<String>,
        /// For how long it had run.
        after: Duration,
        /// Whether it had taken in a transaction, and had called all observers of it, before it panicked.
        worked: bool,
    },
}

/// A message on a link. In each direction a link delivers them in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum IsolateMessage {
    /// From the store that spawns to its worker, first of all and once: who speaks, and what the shared
    /// reactons are. The worker's store takes the values over before anything else happens in it.
    #[non_exhaustive]
    HandshakeInit {
        /// The version of the messages that the main side speaks.
        protocol: u32,
        /// The site that the worker's store writes as.
        site: u64,
        /// The clock of the main store.
        clock: u64,
        /// The shared set, with committed values.
        reactons: Vec<Introduction>,
    },
    /// From the worker in answer, before its function is called: `spawn` returns when this arrives.
    #[non_exhaustive]
    HandshakeAck {
        /// What the two sides do not agree on; then the worker ends.
        mismatches: Vec<Mismatch>,
    },
    /// From either side, when a transaction has written to shared reactons: all of them that the peer is
    /// subscribed to, in one message. Also sent on by a store that shares them with others, and in answer to
    /// a subscription, with all that is newer.
    #[non_exhaustive]
    ReactonValueChanged {
        /// The sender's clock.
        clock: u64,
        /// What was written.
        changes: ChangeList,
    },
    /// From either side, when it wants to receive reactons again: [`IsolateStore::resume`](crate::IsolateStore::resume).
    #[non_exhaustive]
    ReactonSubscribe {
        /// Which, and the version that the subscriber holds of each.
        held: Vec<(RefId, Version)>,
    },
    /// From either side, when it wants to receive reactons no longer:
    /// [`IsolateStore::pause`](crate::IsolateStore::pause), and `dispose`.
    #[non_exhaustive]
    ReactonUnsubscribe {
        /// Which.
        ids: Vec<RefId>,
    },
    /// From a worker, when a value did not encode or decode: main shows it as
    /// [`IsolateStore::last_error`](crate::IsolateStore::last_error).
    #[non_exhaustive]
    ValueError {
        /// What went wrong.
        error: LinkError,
    },
    /// From the main side, as the last thing it sends, when it shuts the worker down: the worker takes in all
    /// that came before, drains its own isolates, and ends.
    Drain,
    /// From either side, as the last item of the link.
    #[non_exhaustive]
    Closed {
        /// Why.
        reason: CloseReason,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_whether_they_stand_in_place_or_not() {
        for len in [0, 1, IN_PLACE, IN_PLACE + 1, 1000] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let (copied, taken) = (Encoded::from(&bytes[..]), Encoded::from(bytes.clone()));
            assert_eq!((&*copied, &*taken), (&*bytes, &*bytes));
            assert_eq!(matches!(copied.0, Bytes::InPlace { .. }), len <= IN_PLACE);
        }
    }

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
            let back = Change::from_words(change.to_words().expect("it is short"));
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
