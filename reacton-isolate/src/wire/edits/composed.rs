//! Edits of several transactions, composed without decoding: the queue of a collection under `Latest`.

use std::collections::HashMap;
use std::sync::Arc;

use reacton_core::Version;

use super::{Edits, Record, RecordBody, Records};
use crate::wire::value::Encoded;

/// One record for each key (M11). Merging a record takes constant time.
#[derive(Default, Clone)]
pub(crate) struct Composed {
    answers: u64,
    reset: Option<Version>,
    /// Each record with a number, which grows with each write.
    records: HashMap<Encoded, (u64, Version, bool, RecordBody)>,
    count: u64,
}

impl Composed {
    /// Appends later edits. Replaced records are moved to `displaced`, to be dropped outside of a lock.
    pub(crate) fn merge(&mut self, later: Arc<Edits>, displaced: &mut Records) {
        let Edits { answers, reset, records } = Arc::unwrap_or_clone(later);
        if answers != 0 {
            self.answers = answers;
        }
        if let Some(reset) = reset.filter(|reset| self.reset.is_none_or(|before| *reset > before)) {
            self.reset = Some(reset);
            let below = self.records.extract_if(|_, (_, version, ..)| *version < reset);
            displaced.extend(below.map(record));
        }
        for record in records {
            displaced.extend(self.put(record));
        }
    }

    /// Replaces the record of a key by a newer one, at the end of the order. An older one is dropped. The result is
    /// announced if one of the two is.
    fn put(&mut self, Record { key, version, announced, body }: Record) -> Option<Record> {
        self.count += 1;
        let number = self.count;
        let Some(before) = self.records.get_mut(&key) else {
            self.records.insert(key, (number, version, announced, body));
            return None;
        };
        let announced = announced | before.2;
        if version < before.1 {
            before.2 = announced;
            return Some(Record { key, version, announced, body });
        }
        let before = std::mem::replace(before, (number, version, announced, body));
        Some(record((key, before)))
    }

    /// The version of the record of a key.
    pub(crate) fn version(&self, key: &Encoded) -> Option<Version> {
        self.records.get(key).map(|(_, version, ..)| *version)
    }

    pub(crate) fn reset(&self) -> Option<Version> {
        self.reset
    }

    /// Returns all records as one transaction.
    pub(crate) fn into_edits(self) -> Edits {
        let Self { answers, reset, records, .. } = self;
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_unstable_by_key(|(_, (number, ..))| *number);
        Edits { answers, reset, records: records.into_iter().map(record).collect() }
    }
}

type Numbered = (Encoded, (u64, Version, bool, RecordBody));

fn record((key, (_, version, announced, body)): Numbered) -> Record {
    Record { key, version, announced, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(reset: Option<u64>, keys: &[u8], clock: u64) -> Arc<Edits> {
        let version = Version { clock, site: 1 };
        let record = |key: &u8| {
            let body = RecordBody::Bytes(Encoded::from(&clock.to_le_bytes()[..]));
            Record::new(Encoded::from(&[*key][..]), version, body)
        };
        let reset = reset.map(|clock| Version { clock, site: 1 });
        Arc::new(Edits { answers: 0, reset, records: keys.iter().map(record).collect() })
    }

    fn merged(all: &[Arc<Edits>]) -> (Option<u64>, Vec<(u8, u64)>, usize) {
        let (mut composed, mut displaced) = (Composed::default(), Records::new());
        for edits in all {
            composed.merge(Arc::clone(edits), &mut displaced);
        }
        let edits = composed.into_edits();
        let records = edits.records.iter().map(|record| (record.key[0], record.version.clock));
        (edits.reset.map(|version| version.clock), records.collect(), displaced.len())
    }

    #[test]
    fn one_record_a_key_is_kept_and_a_later_one_goes_to_the_end() {
        let all = [edits(None, &[1, 2, 3], 1), edits(None, &[2], 2), edits(None, &[1], 3)];
        assert_eq!(merged(&all), (None, vec![(3, 1), (2, 2), (1, 3)], 2));
    }

    #[test]
    fn the_newer_of_two_records_is_kept_though_the_older_comes_later() {
        let all = [edits(None, &[1], 3), edits(None, &[1], 2)];
        assert_eq!(merged(&all), (None, vec![(1, 3)], 1));
    }

    #[test]
    fn a_record_is_announced_if_one_of_those_that_it_replaces_was() {
        let (mut composed, mut displaced) = (Composed::default(), Records::new());
        for (key, clock, announced) in [(1, 5, false), (1, 4, true), (2, 6, true), (2, 7, false)] {
            let mut all = Edits::clone(&edits(None, &[key, 3], clock));
            all.records[0].announced = announced;
            composed.merge(Arc::new(all), &mut displaced);
        }
        let edits = composed.into_edits();
        let mut all: Vec<_> =
            edits.records.iter().map(|record| (record.key[0], record.announced)).collect();
        all.sort_unstable();
        assert_eq!(all, [(1, true), (2, true), (3, false)]);
    }

    #[test]
    fn a_reset_removes_what_is_below_it_and_nothing_else() {
        let all = [
            edits(None, &[1, 2], 1),
            edits(None, &[3], 5),
            edits(Some(4), &[4], 4),
            edits(Some(2), &[], 2),
        ];
        assert_eq!(merged(&all), (Some(4), vec![(3, 5), (4, 4)], 2));
    }

    #[test]
    fn what_waits_grows_with_the_keys() {
        let mut composed = Composed::default();
        for clock in 0..10_000_u64 {
            let mut displaced = Records::new();
            composed.merge(
                edits(None, &[u8::try_from(clock % 10).unwrap_or(0)], clock),
                &mut displaced,
            );
            assert_eq!(displaced.len(), usize::from(clock >= 10));
        }
        assert_eq!(composed.records.len(), 10);
    }
}
