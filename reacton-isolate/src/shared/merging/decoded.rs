//! Entries that have arrived: decoded, and then joined.

use reacton_core::wiring::Wiring;
use reacton_core::{Edit, FirstPanic, Merge, Reacton, Version};

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
        for Record { key, version, body, .. } in &edits.records {
            let decoded = codec::decode::<T::Key>(key).and_then(|key| {
                let item = match body {
                    RecordBody::Removed => None,
                    body => Some(E::unpack(body)?),
                };
                Ok(DecodedRecord { key, version: *version, item })
            });
            let decoded = decoded.map_err(|reason| {
                let reacton = self.reacton.name().into();
                errors.push(at_key(LinkError::Decode { reacton, reason }, key));
            });
            self.records.push(decoded.ok());
        }
        errors
    }

    /// Replaces the value of a store that begins.
    pub(super) fn fill(self, value: &mut T) {
        let records = self.records.into_iter().flatten();
        let entries = records.map(|DecodedRecord { key, version, item }| (key, version, item));
        E::begin_with(value, self.reset, entries.collect());
    }

    pub(super) fn join_to(self, value: &mut T, restamp: Option<Version>) -> Joined {
        let mut joined = Joined::default();
        if let Some(reset) = self.reset {
            joined.reset_lost = !value.join(Edit::Reset, restamp.unwrap_or(reset));
        }
        for (at, record) in self.records.into_iter().enumerate() {
            let won = record.is_some_and(|DecodedRecord { key, version, item }| {
                let version = restamp.unwrap_or(version);
                match item {
                    Some(item) => E::join(value, key, item, version),
                    None => value.join(Edit::Remove(key), version),
                }
            });
            if !won {
                joined.lost.push(at);
            }
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
        let join = |value: &mut T| self.join_to(value, restamp);
        let joined = wiring.join(reacton, announced, panics, join);
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
