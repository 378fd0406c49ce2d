//! Edits of a collection: a record for each entry, with its version.

#[cfg(feature = "process")]
mod bytes;
mod composed;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use reacton_core::Version;

#[cfg(feature = "process")]
pub(crate) use self::bytes::{read_edits, read_missed, write_edits, write_missed};
pub(crate) use self::composed::Composed;
use super::value::Encoded;

/// The records of one transaction. Most have one, which is allocated with its edits: what one thread allocates and another one frees
/// costs more than the copy.
pub(crate) type Records = smallvec::SmallVec<[Record; 1]>;

/// The edits of one transaction to one collection.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    /// The number of the subscription that this answers; 0 if it answers none.
    pub answers: u64,
    /// The version of the last reset: entries with a smaller version are removed.
    pub reset: Option<Version>,
    /// One for each entry, as it is at the end of the transaction.
    pub records: Records,
}

/// One entry of a collection.
#[derive(Debug, Clone)]
pub struct Record {
    /// The serialized key. Keys are serialized even if items are sent by reference count.
    pub key: Encoded,
    /// The version of the write. Each record has its own, because edits of several transactions may be merged.
    pub version: Version,
    /// Whether the observers of this entry are called even if it is equal: it was touched.
    pub announced: bool,
    /// The content.
    pub body: RecordBody,
}

/// The content of an entry.
#[derive(Clone)]
pub enum RecordBody {
    /// The entry was removed.
    Removed,
    /// A serialized item.
    Bytes(Encoded),
    /// An item that is sent by reference count.
    Counted(Arc<dyn Any + Send + Sync>),
}

impl Edits {
    /// Whether there are no edits, and no subscription is answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.reset.is_none() && self.answers == 0
    }

    /// Whether an entry was removed: only this makes a sweep worth its cost.
    pub(crate) fn removes(&self) -> bool {
        let is_removed = |record: &Record| matches!(record.body, RecordBody::Removed);
        self.reset.is_some() || self.records.iter().any(is_removed)
    }

    /// Whether all items are sent by reference count (`counted`), or all are serialized.
    pub(crate) fn is_in(&self, counted: bool) -> bool {
        self.records.iter().all(|record| match &record.body {
            RecordBody::Removed => true,
            RecordBody::Bytes(_) => !counted,
            RecordBody::Counted(_) => counted,
        })
    }

    /// The number of bytes that are copied.
    pub(crate) fn len(&self) -> usize {
        self.records.iter().map(Record::len).sum()
    }

    /// At least the number of bytes of the longest record on a road.
    pub(crate) fn longest(&self) -> usize {
        self.records.iter().map(Record::len_on_road).max().unwrap_or_default()
    }

    /// The keys of all records.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Encoded> {
        self.records.iter().map(|record| &record.key)
    }

    /// The largest clock of all versions.
    pub(crate) fn newest_clock(&self) -> u64 {
        let reset = self.reset.map_or(0, |version| version.clock);
        self.records.iter().fold(reset, |clock, record| clock.max(record.version.clock))
    }

    /// Returns these edits without the records at the indices `lost`, which are sorted, and without the reset if it has
    /// lost. If `restamp` is set, all records get this version.
    pub(crate) fn without(
        &self,
        lost: &[usize],
        reset_lost: bool,
        restamp: Option<Version>,
    ) -> Self {
        let mut lost = lost.iter().copied().peekable();
        let left = self.records.iter().enumerate();
        let left = left.filter(|(at, _)| lost.next_if_eq(at).is_none());
        let records = left.map(|(_, record)| Record {
            version: restamp.unwrap_or(record.version),
            ..record.clone()
        });
        let reset = self.reset.filter(|_| !reset_lost).map(|reset| restamp.unwrap_or(reset));
        Self { answers: 0, reset, records: records.collect() }
    }
}

impl Record {
    /// A record that is not announced.
    #[must_use]
    pub fn new(key: Encoded, version: Version, body: RecordBody) -> Self {
        Self { key, version, announced: false, body }
    }

    /// The number of bytes that are copied.
    fn len(&self) -> usize {
        self.key.len() + self.body.len()
    }

    /// At least the number of bytes on a road, if nothing goes with it: there are two versions and a few lengths.
    pub(crate) fn len_on_road(&self) -> usize {
        self.len() + 80
    }
}

impl RecordBody {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Removed | Self::Counted(_) => 0,
        }
    }
}

impl fmt::Debug for RecordBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("Removed"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Counted(_) => f.write_str("Counted"),
        }
    }
}

/// What a subscriber has of a reacton: the version of its value, or the keys that it has missed.
#[derive(Debug, Clone)]
pub enum Held {
    /// The version of the whole value.
    Version(Version),
    /// For a collection: the keys of changes that arrived while it was paused.
    Missed {
        /// The number of the subscription, which the answer repeats.
        serial: u64,
        /// The serialized keys.
        keys: Vec<Encoded>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_lost_is_left_out() {
        let record = |key: u8| {
            let version = Version { clock: u64::from(key), site: 1 };
            Record::new(Encoded::from(&[key][..]), version, RecordBody::Removed)
        };
        let reset = Some(Version { clock: 1, site: 1 });
        let edits = Edits { answers: 3, reset, records: (1..=4).map(record).collect() };
        let left = edits.without(&[0, 2], false, None);
        assert_eq!((left.answers, left.reset), (0, reset));
        assert_eq!(left.keys().map(|key| key[0]).collect::<Vec<_>>(), [2, 4]);
        let own = Version { clock: 9, site: 2 };
        let left = edits.without(&[], true, Some(own));
        assert_eq!((left.reset, left.newest_clock(), left.records.len()), (None, 9, 4));
        assert!(edits.without(&[0, 1, 2, 3], true, None).is_empty());
    }
}
