//! Entries that have arrived: decoded, and then joined.

use reacton_core::panics::guarded;
use reacton_core::wiring::Wiring;
use reacton_core::{Edit, FirstPanic, Merge, Reacton, Version, panic_message};

use super::packer::at_key;
use super::{ItemForm, Joined, Joining};
use crate::error::LinkError;
use crate::shared::Portable;
use crate::wire::codec;
use crate::wire::edits::{Edits, Record, RecordBody};

/// The edits that could be decoded.
pub(super) struct DecodedEdits<T: Merge<Key: Portable>, M: 'static, E: ItemForm<T>> {
    reacton: &'static Reacton<T, M>,
    reset: Option<Version>,
    records: Vec<Option<DecodedRecord<T, E>>>,
}

struct DecodedRecord<T: Merge<Key: Portable>, E: ItemForm<T>> {
    key: T::Key,
    version: Version,
    item: Option<E::Item>,
}

impl<T: Merge<Key: Portable>, M: 'static, E: ItemForm<T>> DecodedEdits<T, M, E> {
    pub(super) fn new(reacton: &'static Reacton<T, M>, edits: &Edits) -> Self {
        let records = Vec::with_capacity(edits.records.len());
        Self { reacton, reset: edits.reset, records }
    }

    pub(super) fn decode(&mut self, edits: &Edits) -> Vec<LinkError> {
        let mut errors = Vec::new();
        let mut failed = |reason, record: &Record| {
            let reacton = self.reacton.name().into();
            errors.push(at_key(LinkError::Decode { reacton, reason }, &record.key));
        };
        let records = &mut self.records;
        // The drop of a key is user code, too. One guard is enough for all records.
        while let Err(reason) = codec::guarded(|| {
            for record in &edits.records[records.len()..] {
                let decoded = Self::decode_record(record);
                records.push(decoded.map_err(|reason| failed(reason, record)).ok());
            }
            Ok(())
        }) {
            failed(reason, &edits.records[records.len()]);
            records.push(None);
        }
        errors
    }

    fn decode_record(record: &Record) -> Result<DecodedRecord<T, E>, String> {
        let key = codec::decode::<T::Key>(&record.key)?;
        let item = match &record.body {
            RecordBody::Removed => None,
            body => Some(E::unpack(body)?),
        };
        Ok(DecodedRecord { key, version: record.version, item })
    }

    /// Replaces the value of a store that begins.
    pub(super) fn fill(self, value: &mut T) {
        let records = self.records.into_iter().flatten();
        let entries = records.map(|DecodedRecord { key, version, item }| (key, version, item));
        E::begin_with(value, self.reset, entries.collect());
    }

    /// Joins the edits. If the code of a key or an item panics, all other records are joined nevertheless.
    pub(super) fn join_to(
        self,
        value: &mut T,
        restamp: Option<Version>,
        panics: &mut FirstPanic,
    ) -> Joined {
        let mut joined = Joined::default();
        if let Some(reset) = self.reset {
            let version = restamp.unwrap_or(reset);
            joined.reset_lost = panics.guard(|| value.join(Edit::Reset, version)) == Some(false);
        }
        let (mut records, mut at) = (self.records.into_iter(), 0);
        let lost = &mut joined.lost;
        // One guard is enough for all records.
        while let Err(payload) = guarded(|| {
            for record in records.by_ref() {
                at += 1;
                let won = record.is_some_and(|DecodedRecord { key, version, item }| {
                    let version = restamp.unwrap_or(version);
                    match item {
                        Some(item) => E::join(value, key, item, version),
                        None => value.join(Edit::Remove(key), version),
                    }
                });
                if !won {
                    lost.push(at - 1);
                }
            }
        }) {
            joined.failed.push((at - 1, panic_message(&*payload)));
            panics.keep(Some(payload));
        }
        joined
    }
}

impl<T: Merge<Key: Portable>, M: 'static, E: ItemForm<T>> DecodedEdits<T, M, E> {
    /// Joins the edits to the value of a store.
    pub(super) fn join_in(
        self,
        wiring: Wiring<'_>,
        restamp: Option<Version>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Joined {
        let (reacton, count) = (self.reacton, self.records.len());
        let mut within = FirstPanic::default();
        let join = |value: &mut T| self.join_to(value, restamp, &mut within);
        let joined = wiring.join(reacton, announced, panics, join);
        panics.keep(within.take());
        joined.unwrap_or_else(|| Joined {
            lost: (0..count).collect(),
            reset_lost: true,
            ..Joined::default()
        })
    }
}

impl<T: Merge<Key: Portable>, M: 'static, E: ItemForm<T>> Joining for DecodedEdits<T, M, E> {
    fn join(
        self: Box<Self>,
        wiring: Wiring<'_>,
        restamp: Option<Version>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Joined {
        self.join_in(wiring, restamp, announced, panics)
    }
}
