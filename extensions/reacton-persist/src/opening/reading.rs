//! What becomes of the rows of a file: values to install, rows that stay because they cannot be read, and rows that are to be written.

use std::collections::{HashMap, HashSet};

use reacton_core::{Loaded, ReactonStore, RefId};
use reacton_isolate::sink::{Sink, Stored, decode};
use reacton_isolate::{Encoded, SharedSlot, Version};

use crate::book::{Book, MARKER};
use crate::error::OpenError;
use crate::migration::Steps;
use crate::persist::Persist;
use crate::status::Problem;
use crate::storage::Row;

/// An entry of a collection: its key, and its item if it is there.
type StoredEntry = (Encoded, Option<Encoded>);

/// What is known while a file is read.
pub(super) struct Reading {
    pub(super) persist: Persist,
    pub(super) book: Book,
    /// That of the transaction in which all of it is installed.
    pub(super) version: Version,
    /// What the store held before.
    pub(super) held: HashMap<RefId, Stored>,
    /// What a store holds in which nothing was written.
    pub(super) blank: HashMap<RefId, Stored>,
    /// The collections of the file, by their place in the list.
    pub(super) collections: HashMap<usize, Collection>,
    pub(super) problems: Vec<Problem>,
}

/// A collection, as the file has it.
#[derive(Default)]
pub(super) struct Collection {
    /// The rows that could be read, in the version of this build.
    rows: HashMap<Encoded, Encoded>,
    /// The entries that they are, which may be others.
    entries: HashMap<Encoded, Encoded>,
    how: Option<Loaded>,
    is_marked: bool,
}

impl Reading {
    /// Makes values of the rows. What cannot be read is left where it is, and listed.
    pub(super) fn read(&mut self, rows: Vec<Row>) -> Vec<(RefId, Stored)> {
        let (sorted, unknown) = self.book.sort(rows);
        self.problems.extend(unknown.into_iter().map(|name| Problem::Unknown { name }));
        let mut values = Vec::new();
        for (place, rows) in sorted.into_iter().enumerate() {
            let slot = self.persist.slots[place];
            let stored = if slot.has_entries() {
                self.read_entries(place, slot, rows)
            } else {
                self.read_whole(place, slot, rows)
            };
            values.extend(stored.map(|stored| (slot.reacton_ref().id(), stored)));
        }
        values
    }

    /// The bytes of a row, in the version of this build.
    fn migrated(&self, slot: SharedSlot, row: &Row) -> Result<Encoded, String> {
        let bytes = row.value.clone().ok_or("it has no bytes")?;
        let migrated = match self.persist.steps.get(&slot.reacton_ref().id()) {
            Some(steps) => steps.apply(row.schema, bytes),
            None => Steps::default().apply(row.schema, bytes),
        };
        migrated.map(Encoded::from)
    }

    fn read_whole(&mut self, place: usize, slot: SharedSlot, rows: Vec<Row>) -> Option<Stored> {
        let (mut stored, mut unread) = (None, Vec::new());
        for row in rows {
            let read = if row.key.is_empty() {
                self.migrated(slot, &row).and_then(|bytes| slot.check(&bytes).map(|()| bytes))
            } else {
                Err(String::from("it was saved as a collection"))
            };
            match read {
                Ok(bytes) => stored = Some(Stored::Whole(bytes)),
                Err(reason) => unread.push((row, reason)),
            }
        }
        self.keep_unread(place, unread);
        if stored.is_none() {
            self.save_held(place, slot);
        }
        stored
    }

    /// The file has no value, so that of the store is saved; but not one that nothing has written: another build may have another one.
    fn save_held(&mut self, place: usize, slot: SharedSlot) {
        let id = slot.reacton_ref().id();
        if let (Some(Stored::Whole(held)), Some(Stored::Whole(blank))) =
            (self.held.get(&id), self.blank.get(&id))
            && held != blank
        {
            self.book.put(place, Vec::new(), Some(held.to_vec()));
        }
    }

    fn keep_unread(&mut self, place: usize, unread: Vec<(Row, String)>) {
        let Some((first, reason)) = unread.first() else { return };
        let of_entry = if first.key.is_empty() { String::new() } else { key_text(&first.key) };
        let more = match unread.len() - 1 {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let reason = format!("{of_entry}{reason}{more}");
        let entry = self.book.entry(place);
        let (name, kept) = (entry.name.to_owned(), entry.aside());
        self.problems.push(Problem::NotDecoded { name, reason, kept });
        for (row, _) in unread {
            entry.keep_unread(row);
        }
    }

    fn read_entries(&mut self, place: usize, slot: SharedSlot, rows: Vec<Row>) -> Option<Stored> {
        let mut collection = Collection::default();
        let (mut read, mut sources, mut unread) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            if row.key == MARKER {
                collection.is_marked = true;
                continue;
            }
            let migrated = if row.key.is_empty() {
                Err(String::from("it was saved as a whole"))
            } else {
                self.migrated(slot, &row)
            };
            match migrated {
                Ok(bytes) => {
                    read.push((Encoded::from(&row.key[..]), bytes));
                    sources.push(row);
                }
                Err(reason) => unread.push((row, reason)),
            }
        }
        let loaded = slot.load(&read, self.version)?;
        let mut failed: HashMap<usize, String> = loaded.failed.into_iter().collect();
        let is_saved = collection.is_marked || !sources.is_empty() || !unread.is_empty();
        for (at, (row, (key, item))) in sources.into_iter().zip(read).enumerate() {
            if let Some(reason) = failed.remove(&at) {
                unread.push((row, reason));
            } else {
                self.book.entry(place).keys.insert(row.key);
                collection.rows.insert(key, item);
            }
        }
        self.keep_unread(place, unread);
        let mut entries = loaded.entries;
        collection.how = Some(loaded.how);
        collection.entries = there(&entries);
        if is_saved {
            entries.extend(self.removed(slot, &collection.entries));
        }
        self.collections.insert(place, collection);
        (!entries.is_empty()).then_some(Stored::Entries(entries))
    }

    /// The entries that the declaration has and the file has not: they were removed, unless the program has written them since.
    fn removed(&self, slot: SharedSlot, saved: &HashMap<Encoded, Encoded>) -> Vec<StoredEntry> {
        let id = slot.reacton_ref().id();
        let (Some(Stored::Entries(held)), Some(Stored::Entries(blank))) =
            (self.held.get(&id), self.blank.get(&id))
        else {
            return Vec::new();
        };
        let held: HashSet<&StoredEntry> = held.iter().collect();
        let is_gone = |entry: &&StoredEntry| held.contains(entry) && !saved.contains_key(&entry.0);
        blank.iter().filter(is_gone).map(|(key, _)| (key.clone(), None)).collect()
    }

    /// Compares the collections of the file with those of the store, and notes what is to be written.
    pub(super) fn compare(&mut self, store: &ReactonStore) -> Result<(), OpenError> {
        let slots: Vec<_> = self.persist.slots.iter().copied().enumerate().collect();
        for (place, slot) in slots {
            let Some(collection) = self.collections.remove(&place) else { continue };
            let held = Sink::held(store, std::iter::once(slot)).map_err(OpenError::Value)?;
            if let Some((id, Stored::Entries(held))) = held.into_iter().next() {
                let has_declared = matches!(
                    self.blank.get(&id),
                    Some(Stored::Entries(blank)) if !blank.is_empty()
                );
                if has_declared && !collection.is_marked {
                    self.book.put(place, MARKER.to_vec(), Some(Vec::new()));
                }
                self.compare_entries(place, slot, &collection, &held);
            }
        }
        Ok(())
    }

    fn compare_entries(
        &mut self,
        place: usize,
        slot: SharedSlot,
        collection: &Collection,
        held: &[StoredEntry],
    ) {
        let mut now = there(held);
        let is_same = if collection.how == Some(Loaded::Composed) {
            let rows: Vec<_> = now.into_iter().collect();
            now =
                slot.load(&rows, self.version).map_or_else(HashMap::new, |own| there(&own.entries));
            // What was edited of an item since it was put are rows of their own, which are composed when there are many.
            let is_short = collection.rows.len() <= 2 * collection.entries.len() + 16;
            is_short && now == collection.entries
        } else {
            now == collection.rows
        };
        if is_same {
            return;
        }
        for key in collection.rows.keys().filter(|key| !now.contains_key(*key)) {
            self.book.put(place, key.to_vec(), None);
        }
        for (key, item) in now {
            if collection.rows.get(&key) != Some(&item) {
                self.book.put(place, key.to_vec(), Some(item.to_vec()));
            }
        }
    }
}

/// Those entries that are there.
fn there(entries: &[StoredEntry]) -> HashMap<Encoded, Encoded> {
    let there = entries.iter().filter_map(|(key, item)| Some((key.clone(), item.clone()?)));
    there.collect()
}

/// A key for a message: numbers and texts as they are.
fn key_text(key: &[u8]) -> String {
    let number = decode::<u64>(key).map(|number| number.to_string());
    let number = number.or_else(|_| decode::<i64>(key).map(|number| number.to_string()));
    let text = number.or_else(|_| decode::<String>(key).map(|text| format!("{text:?}")));
    text.map_or_else(|_| String::from("an entry: "), |text| format!("the entry of key {text}: "))
}
