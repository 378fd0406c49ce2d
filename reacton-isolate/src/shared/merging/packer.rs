//! Packs entries one by one. An entry that does not encode is left out, and reported with its key.

use std::any::type_name;

use reacton_core::panics::contained;
use reacton_core::wiring::Wiring;
use reacton_core::{Merge, Reacton, Version};

use super::Sealed;
use crate::error::LinkError;
use crate::shared::Portable;
use crate::wire::codec;
use crate::wire::edits::{Edits, Record, RecordBody};
use crate::wire::value::Encoded;

/// Packs records one by one.
pub(in crate::shared) struct Packer<'p, T: Merge, M: 'static> {
    pub(super) reacton: &'p Reacton<T, M>,
    pub(super) wiring: Wiring<'p>,
    pub(super) edits: Edits,
    pub(super) errors: Vec<LinkError>,
    /// The keys of entries that do not encode.
    pub(super) failed: Vec<T::Key>,
}

impl<'p, T: Merge<Key: Portable>, M: 'static> Packer<'p, T, M> {
    pub(super) fn new(reacton: &'p Reacton<T, M>, wiring: Wiring<'p>) -> Self {
        let (edits, errors, failed) = (Edits::default(), Vec::new(), Vec::new());
        Self { reacton, wiring, edits, errors, failed }
    }

    /// Adds an entry, whose content is packed by `body`.
    pub(super) fn add(
        &mut self,
        key: &T::Key,
        version: Version,
        body: impl FnOnce(&Self) -> Result<RecordBody, LinkError>,
    ) {
        match self.packed(key, version, body) {
            Ok(record) => {
                // Most transactions write one entry, and need no room for more.
                if self.edits.records.capacity() == 0 {
                    self.edits.records.reserve_exact(1);
                }
                self.edits.records.push(record);
            }
            Err(error) => {
                self.errors.push(error);
                contained(|| self.failed.push(key.clone()));
            }
        }
    }

    fn packed(
        &self,
        key: &T::Key,
        version: Version,
        body: impl FnOnce(&Self) -> Result<RecordBody, LinkError>,
    ) -> Result<Record, LinkError> {
        let encoded =
            codec::encode(key).map_err(|reason| self.unencoded(format!("a key: {reason}")))?;
        // The checks drop what they decode, which is user code.
        let body = codec::guarded(|| {
            if cfg!(debug_assertions)
                && let Err(error) = self.check_key(&encoded)
            {
                return Ok(Err(error));
            }
            Ok(body(self).map_err(|error| at_key(error, &encoded)))
        });
        let body = body.unwrap_or_else(|reason| Err(at_key(self.unencoded(reason), &encoded)));
        Ok(Record::new(encoded, version, body?))
    }

    /// Checks that serde does not change a key, which would then be a different entry in other stores.
    fn check_key(&self, encoded: &Encoded) -> Result<(), LinkError> {
        let back = codec::decode::<T::Key>(encoded).map_err(|reason| LinkError::Decode {
            reacton: self.reacton.name().into(),
            reason: format!("a key: {reason}"),
        })?;
        if codec::encode(&back).is_ok_and(|again| again == *encoded) {
            return Ok(());
        }
        Err(LinkError::Lossy {
            reacton: self.reacton.name().into(),
            type_name: type_name::<T::Key>().into(),
            remedy: codec::wide_number_remedy(encoded),
        })
    }

    pub(super) fn unencoded(&self, reason: String) -> LinkError {
        LinkError::Encode { reacton: self.reacton.name().into(), reason }
    }

    pub(super) fn sealed(self) -> Sealed {
        Sealed { edits: self.edits, errors: self.errors }
    }
}

/// Adds the key of the entry to an error.
pub(crate) fn at_key(error: LinkError, key: &Encoded) -> LinkError {
    let key = key_text(key);
    match error {
        LinkError::Encode { reacton, reason } => {
            LinkError::Encode { reacton, reason: format!("the entry of {key}: {reason}") }
        }
        LinkError::Decode { reacton, reason } => {
            LinkError::Decode { reacton, reason: format!("the entry of {key}: {reason}") }
        }
        LinkError::Lossy { reacton, type_name, remedy } => {
            let remedy = format!("{remedy} (the entry of {key})");
            LinkError::Lossy { reacton, type_name, remedy }
        }
        error => error,
    }
}

/// A key as text for a message: numbers and texts are shown unchanged.
fn key_text(key: &Encoded) -> String {
    let number = codec::decode::<u64>(key).map(|number| number.to_string());
    let number = number.or_else(|_| codec::decode::<i64>(key).map(|number| number.to_string()));
    let text = number.or_else(|_| codec::decode::<String>(key).map(|text| format!("{text:?}")));
    text.map_or_else(|_| format!("a key of {} bytes", key.len()), |text| format!("key {text}"))
}
