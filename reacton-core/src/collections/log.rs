//! The log of the edits of the open transaction in a collection with keys.
//!
//! During an edit, notes are only appended. They are sorted when the edit ends. So no comparison, which is user code,
//! runs between a write and its note.

use std::panic::resume_unwind;

use super::changes::{Handle, KeyedChanges, Pair};
use super::few::Few;
use super::keyed::Row;
use super::tree::Tree;
use crate::merge::Version;
use crate::panics::{discard, guarded};

/// With this many notes, those of one key are composed.
const FEW: usize = 64;

/// The number of attempts to sort the same notes. A sort may panic if the order of the keys is inconsistent, and then
/// each time.
const ATTEMPTS: u8 = 3;

/// The edits.
pub(super) struct Log<K, H> {
    pub(super) shares: bool,
    /// Between `begin` and `settle`.
    pub(super) is_open: bool,
    notes: Vec<Note<K, H>>,
    /// The number of notes at which they are composed.
    crowded: usize,
    /// The number of notes so far.
    count: u64,
    /// The number of sorts that have panicked.
    failed: u8,
    /// The keys that were written since the last seal, each with its version before.
    touched: Few<K, Version>,
    /// If the collection was replaced as a whole since the last seal: the old rows.
    reset: Option<Tree<K, Row<H>>>,
    /// The versions that the last seal has replaced. They are needed for entries that cannot be sent.
    replaced: Few<K, Version>,
}

/// The versions that were replaced, by key, and the old rows if everything was replaced.
type Written<K, H> = (Few<K, Version>, Option<Tree<K, Row<H>>>);

/// One edit, or several of one key one after the other.
#[derive(Clone)]
struct Note<K, H> {
    key: K,
    /// The order of the notes, which a sort that panics may lose.
    number: u64,
    pair: Pair<H>,
    /// Set if this store has made the edit, which is then sent: the version that was replaced.
    replaced: Option<Version>,
}

impl<K, H> Log<K, H> {
    pub(super) const fn new(shares: bool) -> Self {
        Self {
            shares,
            is_open: true,
            notes: Vec::new(),
            crowded: FEW,
            count: 0,
            failed: 0,
            touched: Few::NONE,
            reset: None,
            replaced: Few::NONE,
        }
    }

    pub(super) fn begin(&mut self, shares: bool) {
        if !shares {
            (self.touched, self.reset, self.replaced) = (Few::NONE, None, Few::NONE);
        }
        (self.shares, self.is_open) = (shares, true);
    }

    /// Returns the log for a copy, which is not being edited; `None` if there is nothing to keep.
    pub(super) fn to_copy(&self) -> Option<Self>
    where
        K: Clone,
        H: Clone,
    {
        let left = if self.is_open { Vec::new() } else { self.notes.clone() };
        (self.shares || !left.is_empty()).then(|| Self {
            is_open: false,
            notes: left,
            touched: self.touched.clone(),
            reset: self.reset.clone(),
            replaced: self.replaced.clone(),
            ..*self
        })
    }
}

impl<K: Ord + Clone, H: Handle> Log<K, H> {
    /// Called before each edit, because no keys may be compared afterwards.
    pub(super) fn make_room(&mut self) {
        if self.notes.len() >= self.crowded {
            self.compose();
            self.crowded = FEW.max(2 * self.notes.len());
        }
    }

    /// Notes that this store has edited a key.
    pub(super) fn note(&mut self, key: K, old: Option<Row<H>>, new: Option<H>) {
        let replaced = Some(old.as_ref().map_or(Version::NEVER, |row| row.version));
        self.push(key, Pair { old: old.map(|row| row.held), new }, replaced);
    }

    /// Notes a change that is no edit of this store: one that has arrived, or one of a view.
    pub(super) fn note_joined(&mut self, key: K, old: Option<H>, new: Option<H>) {
        self.push(key, Pair { old, new }, None);
    }

    /// Appends the notes of another log.
    pub(super) fn append(&mut self, later: Self) {
        for Note { key, pair, replaced, .. } in later.notes {
            self.push(key, pair, replaced);
        }
    }

    fn push(&mut self, key: K, pair: Pair<H>, replaced: Option<Version>) {
        self.count += 1;
        self.notes.push(Note { key, number: self.count, pair, replaced });
    }

    /// Sorts the notes by key, and composes those of one key.
    fn compose(&mut self) {
        if let Err(payload) = guarded(|| in_order(&mut self.notes)) {
            self.failed += 1;
            if self.failed == ATTEMPTS {
                (self.notes, self.failed) = (Vec::new(), 0);
            }
            resume_unwind(payload);
        }
        self.failed = 0;
    }

    /// Ends an edit, and returns the changes by key. `gone` has the tombstones.
    pub(super) fn settle(&mut self, gone: &Tree<K, Version>) -> Option<KeyedChanges<K, H>> {
        self.is_open = false;
        if self.notes.len() > 1 {
            self.compose();
        }
        if self.shares {
            self.touch(gone);
        }
        if self.notes.len() == 1 {
            return self.notes.pop().map(|note| KeyedChanges::one(note.key, note.pair));
        }
        // M4: a reset of an empty collection is sent, too.
        if self.notes.is_empty() && !(self.shares && self.reset.is_some()) {
            return None;
        }
        // A copy of a key that panics loses no note.
        let separators = KeyedChanges::<K, H>::separators(self.notes.iter().map(|note| &note.key));
        self.crowded = FEW;
        let mut notes = std::mem::take(&mut self.notes);
        let pairs = notes.drain(..).map(|note| (note.key, note.pair));
        let changes = KeyedChanges::from_parts(separators, pairs);
        if notes.capacity() <= FEW {
            self.notes = notes;
        }
        Some(changes)
    }

    /// M1: every key that this store has written is sent, even if it is equal at the end.
    fn touch(&mut self, gone: &Tree<K, Version>) {
        for Note { key, replaced, .. } in &self.notes {
            let Some(mut before) = *replaced else { continue };
            if self.touched.get(key).is_some() {
                continue;
            }
            if before == Version::NEVER {
                before = gone.get(key).copied().unwrap_or_default();
            }
            self.touched.insert(key.clone(), before);
        }
    }

    /// The end of an edit may have failed, because a comparison or a copy of a key has panicked. Then its keys are noted now.
    #[cold]
    fn touch_again(&mut self, gone: &Tree<K, Version>) {
        if let Err(payload) = guarded(|| {
            self.compose();
            self.touch(gone);
        }) {
            discard(payload);
            return;
        }
        // They are sealed, and observers receive them with the next edit.
        self.notes.iter_mut().for_each(|note| note.replaced = None);
    }

    /// Takes the keys that were written since the last seal, and the old rows if everything was replaced. What is
    /// returned last is to be dropped, which is user code.
    pub(super) fn seal(&mut self, gone: &Tree<K, Version>) -> (Written<K, H>, Few<K, Version>) {
        if !self.notes.is_empty() {
            self.touch_again(gone);
        }
        // Without these, entries that cannot be sent lose against every other write.
        let replaced = guarded(|| self.touched.clone()).unwrap_or_else(|payload| {
            discard(payload);
            Few::NONE
        });
        let former = std::mem::replace(&mut self.replaced, replaced);
        (self.forget_open(), former)
    }

    /// Takes the keys that were written since the last seal, and the old rows if everything was replaced.
    pub(super) fn forget_open(&mut self) -> Written<K, H> {
        (std::mem::take(&mut self.touched), self.reset.take())
    }

    /// Notes that everything is replaced by an edit of this store.
    pub(super) fn note_reset(&mut self, rows: &Tree<K, Row<H>>) {
        if self.reset.is_none() {
            self.reset = Some(rows.clone());
        }
    }

    /// Whether the open transaction of this store has written this key.
    pub(super) fn is_written(&self, key: &K) -> bool {
        self.reset.is_some() || self.touched.get(key).is_some()
    }

    /// The version that a key had before the open transaction of this store wrote it.
    pub(super) fn before(&self, key: &K) -> Option<Version> {
        self.touched.get(key).copied()
    }

    /// Sets the version of the entry that the open transaction has replaced.
    pub(super) fn set_before(&mut self, key: &K, version: Version) {
        if let Some(before) = self.touched.get_mut(key) {
            *before = version;
        }
    }

    /// The version of a key before the last seal.
    pub(super) fn replaced(&self, key: &K) -> Option<Version> {
        self.replaced.get(key).copied()
    }
}

fn in_order<K: Ord, H>(notes: &mut Vec<Note<K, H>>) {
    notes.sort_unstable_by(|one, two| {
        one.key.cmp(&two.key).then_with(|| one.number.cmp(&two.number))
    });
    notes.dedup_by(|later, first| {
        let is_same = later.key.cmp(&first.key).is_eq();
        if is_same {
            // The value in between is dropped later with the list, because a drop is user code.
            std::mem::swap(&mut first.pair.new, &mut later.pair.new);
            first.replaced = first.replaced.or(later.replaced);
        }
        is_same
    });
}
