//! Packs entries one by one. An entry that does not encode is left out, and reported with its key.

use std::any::type_name;

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
        let encoded = codec::encode(key)
            .map_err(|reason| self.unencoded(format!("a key: {reason}")))
            .and_then(|encoded| {
                if cfg!(debug_assertions) {
                    self.check_key(&encoded)?;
                }
                Ok(encoded)
            });
        let key = match encoded {
            Ok(key) => key,
            Err(error) => return self.fail(key, error),
        };
        match body(self) {
            Ok(body) => {
                // Most transactions write one entry, and need no room for more.
                if self.edits.records.capacity() == 0 {
                    self.edits.records.reserve_exact(1);
                }
                self.edits.records.push(Record::new(key, version, body));
            }
            Err(error) => {
                let error = at_key(error, &key);
                match codec::decode::<T::Key>(&key) {
                    Ok(key) => self.fail(&key, error),
                    Err(_) => self.errors.push(error),
                }
            }
        }
    }

    fn fail(&mut self, key: &T::Key, error: LinkError) {
        self.failed.push(key.clone());
        self.errors.push(error);
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
pub(in crate::shared) fn at_key(error: LinkError, key: &Encoded) -> LinkError {
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
