//! Entries that were read from a file: decoded, to find out which can be, and made those that are joined.

use reacton_core::{Loaded, Merge, Version};

use super::ItemForm;
use crate::shared::Portable;
use crate::shared::stored::LoadedEntries;
use crate::wire::codec;
use crate::wire::edits::RecordBody;
use crate::wire::value::Encoded;

/// Decodes the entries of a `T`. What does not decode is listed, and left out.
pub(super) fn load<T: Merge<Key: Portable>, E: ItemForm<T>>(
    rows: &[(Encoded, Encoded)],
    version: Version,
) -> LoadedEntries {
    let mut loaded = LoadedEntries::default();
    let mut decoded = Vec::with_capacity(rows.len());
    for (at, (key, item)) in rows.iter().enumerate() {
        let entry = codec::decode::<T::Key>(key)
            .map_err(|reason| format!("a key: {reason}"))
            .and_then(|key| Ok((key, E::unpack(&RecordBody::Bytes(item.clone()))?)));
        match entry {
            Ok(entry) => {
                decoded.push(entry);
                loaded.entries.push((key.clone(), Some(item.clone())));
            }
            Err(reason) => loaded.failed.push((at, reason)),
        }
    }
    // Comparing keys and dropping items is user code.
    if let Ok((how, entries)) = codec::guarded(|| E::loaded(decoded, version))
        && how != Loaded::AsTheyAre
    {
        loaded.entries = entries.into_iter().map(|(key, item)| (key, Some(item))).collect();
        loaded.how = how;
    }
    loaded
}
