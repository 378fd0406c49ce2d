//! What stands in the file, as far as it has to be known to write to it: names, keys, and rows that could not be read.

use std::collections::{BTreeMap, HashSet};

use reacton_core::{RefId, RefMap};
use reacton_isolate::{Change, Edits, Encoded, Payload, RecordBody, SharedSlot};

use crate::storage::Row;

/// Stands in the name of rows that were moved aside, before a number.
const ASIDE: &str = "#aside-";

/// The key of the row that says that a collection was saved, also if it is empty. No serialized key has this byte.
pub(crate) const MARKER: [u8; 1] = [0xc1];

/// What identifies a row: the name of the reacton, and the key.
type RowName = (String, Vec<u8>);

/// What a row holds: the version of the type, and the value if there is to be one.
type RowValue = (u32, Option<Vec<u8>>);

/// One reacton in the file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) schema: u32,
    /// Which reacton it is.
    pub(crate) slot: SharedSlot,
    /// The keys of a collection that the file has, or will have with what is unsaved.
    pub(crate) keys: HashSet<Vec<u8>>,
    /// The rows that could not be read, by key. They are moved aside before anything is written in their place.
    unread: BTreeMap<Vec<u8>, Row>,
    /// The number of the next rows that are moved aside.
    aside: u32,
}

impl Entry {
    pub(crate) fn new(name: &'static str, schema: u32, slot: SharedSlot) -> Self {
        let (keys, unread) = (HashSet::new(), BTreeMap::new());
        Self { name, schema, slot, keys, unread, aside: 1 }
    }

    /// The name under which rows are kept that could not be read.
    pub(crate) fn aside(&self) -> String {
        format!("{}{ASIDE}{}", self.name, self.aside)
    }

    /// Takes note of a row that could not be read.
    pub(crate) fn keep_unread(&mut self, row: Row) {
        self.unread.insert(row.key.clone(), row);
    }
}

/// The reactons of a file, and what is not written yet.
#[derive(Debug)]
pub(crate) struct Book {
    entries: Vec<Entry>,
    places: RefMap<usize>,
    /// The rows that no reacton of the list reads: names, and their keys.
    unknown: BTreeMap<String, Vec<Vec<u8>>>,
    unsaved: BTreeMap<RowName, RowValue>,
}

impl Book {
    pub(crate) fn new(entries: impl IntoIterator<Item = (RefId, Entry)>) -> Self {
        let (ids, entries): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let places = ids.into_iter().enumerate().map(|(place, id)| (id, place)).collect();
        Self { entries, places, unknown: BTreeMap::new(), unsaved: BTreeMap::new() }
    }

    /// Sorts the rows of a file by reacton. What no reacton reads is noted, and its names are returned.
    pub(crate) fn sort(&mut self, rows: Vec<Row>) -> (Vec<Vec<Row>>, Vec<String>) {
        let by_name: BTreeMap<&str, usize> =
            self.entries.iter().enumerate().map(|(place, entry)| (entry.name, place)).collect();
        let mut sorted: Vec<Vec<Row>> = self.entries.iter().map(|_| Vec::new()).collect();
        let mut asides = BTreeMap::new();
        let mut unknown = Vec::new();
        for row in rows {
            if let Some(place) = by_name.get(row.reacton.as_str()) {
                sorted[*place].push(row);
                continue;
            }
            let aside = row.reacton.rsplit_once(ASIDE).and_then(|(name, number)| {
                Some((*by_name.get(name)?, number.parse::<u32>().ok()?))
            });
            match aside {
                Some((place, number)) => {
                    let last: &mut u32 = asides.entry(place).or_default();
                    *last = number.max(*last);
                }
                None if !self.unknown.contains_key(&row.reacton) => {
                    unknown.push(row.reacton.clone());
                }
                None => {}
            }
            self.unknown.entry(row.reacton).or_default().push(row.key);
        }
        for (place, last) in asides {
            self.entries[place].aside = last.saturating_add(1);
        }
        (sorted, unknown)
    }

    pub(crate) fn entry(&mut self, place: usize) -> &mut Entry {
        &mut self.entries[place]
    }

    /// Whether everything is written.
    pub(crate) fn is_clean(&self) -> bool {
        self.unsaved.is_empty()
    }

    /// Notes what a row is to hold; with `None`, that there is to be none.
    pub(crate) fn put(&mut self, place: usize, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.move_aside(place, &key);
        let entry = &mut self.entries[place];
        if entry.slot.has_entries() {
            if value.is_some() {
                entry.keys.insert(key.clone());
            } else {
                entry.keys.remove(&key);
            }
        }
        self.unsaved.insert((entry.name.to_owned(), key), (entry.schema, value));
    }

    /// Moves aside what could not be read in the place of this key.
    fn move_aside(&mut self, place: usize, key: &[u8]) {
        let entry = &mut self.entries[place];
        if let Some(Row { schema, key, value, .. }) = entry.unread.remove(key) {
            self.unsaved.insert((entry.aside(), key), (schema, value));
        }
    }

    /// Notes what transactions have written.
    pub(crate) fn note(&mut self, changes: Vec<Change>) {
        for Change { id, payload, .. } in changes {
            let Some(place) = self.places.get(&id).copied() else { continue };
            match payload {
                Payload::Bytes(bytes) => self.put(place, Vec::new(), Some(bytes.to_vec())),
                Payload::Edits(edits) => self.note_edits(place, &edits),
                // A sink gets bytes.
                Payload::Counted(_) => {}
            }
        }
    }

    fn note_edits(&mut self, place: usize, edits: &Edits) {
        if edits.reset.is_some() {
            let entry = &mut self.entries[place];
            let keys: Vec<_> = entry.keys.drain().collect();
            let unread: Vec<_> = entry.unread.keys().cloned().collect();
            for key in keys.into_iter().chain(unread).filter(|key| *key != MARKER) {
                self.put(place, key, None);
            }
        }
        for record in &edits.records {
            let value = match &record.body {
                RecordBody::Bytes(item) => Some(item.to_vec()),
                RecordBody::Removed | RecordBody::Counted(_) => None,
            };
            if value.is_none() {
                self.remove_parts(place, &record.key);
            }
            self.put(place, record.key.to_vec(), value);
        }
    }

    /// Notes that what was edited of an item of a list is to go together with the item.
    fn remove_parts(&mut self, place: usize, key: &Encoded) {
        let entry = &self.entries[place];
        let parts = entry.slot.ended_with(key).into_iter().map(|part| part.to_vec());
        for part in parts.filter(|part| entry.keys.contains(part)).collect::<Vec<_>>() {
            self.put(place, part, None);
        }
    }

    /// Notes that what no reacton reads is to go.
    pub(crate) fn forget_unknown(&mut self) {
        for (name, keys) in std::mem::take(&mut self.unknown) {
            for key in keys {
                self.unsaved.insert((name.clone(), key), (0, None));
            }
        }
    }

    /// Takes what is not written, to be written.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Row> {
        let unsaved = std::mem::take(&mut self.unsaved).into_iter();
        unsaved
            .map(|((reacton, key), (schema, value))| Row { reacton, schema, key, value })
            .collect()
    }

    /// What was taken could not be written.
    pub(crate) fn put_back(&mut self, rows: Vec<Row>) {
        for Row { reacton, schema, key, value } in rows {
            self.unsaved.entry((reacton, key)).or_insert((schema, value));
        }
    }
}
