//! What the open transaction has edited in a collection with keys.
//!
//! While it is edited, what happens is only appended: it is put in order when the edit ends. So no comparison, which is user code,
//! comes between a write and the note of it.

use std::panic::resume_unwind;

use super::changes::{Handle, KeyedChanges, Pair};
use super::keyed::Row;
use super::tree::Tree;
use crate::merge::Version;
use crate::panics::guarded;

/// With so many notes, those of one key are composed.
const FEW: usize = 64;

/// So often is tried to put the same notes in order. A sort panics if the keys have none, and then each time.
const ATTEMPTS: u8 = 3;

/// What was edited.
pub(super) struct Log<K, H> {
    pub(super) shares: bool,
    /// Between `begin` and `settle`.
    pub(super) is_open: bool,
    notes: Vec<Note<K, H>>,
    /// With so many, they are composed.
    crowded: usize,
    /// How many there have been.
    count: u64,
    /// How often a panic has kept them from being put in order.
    failed: u8,
    /// Since the last seal: the version that each key had before that.
    touched: Tree<K, Version>,
    /// Since the last seal it was replaced as a whole: what stood there before.
    reset: Option<Tree<K, Row<H>>>,
    /// What the last seal has replaced, for what turns out not to be sendable.
    replaced: Tree<K, Version>,
}

/// The versions that were replaced, by key, and, if everything was replaced, what stood there before.
type Written<K, H> = (Tree<K, Version>, Option<Tree<K, Row<H>>>);

/// One edit, or several of one key one after the other.
#[derive(Clone)]
struct Note<K, H> {
    key: K,
    /// Grows, because a sort that panics leaves no order.
    number: u64,
    pair: Pair<H>,
    /// By this store, in which case it is to be sent: the version of what was replaced.
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
            touched: Tree::new(),
            reset: None,
            replaced: Tree::new(),
        }
    }

    pub(super) fn begin(&mut self, shares: bool) {
        if !shares {
            (self.touched, self.reset, self.replaced) = (Tree::new(), None, Tree::new());
        }
        (self.shares, self.is_open) = (shares, true);
    }

    /// The log of a copy, which is not being edited; `None` if there is nothing to be kept.
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
    /// Is called before each edit: what follows it must not compare.
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

    /// Notes that an edit of another store has changed a key.
    pub(super) fn note_joined(&mut self, key: K, old: Option<H>, new: Option<H>) {
        self.push(key, Pair { old, new }, None);
    }

    fn push(&mut self, key: K, pair: Pair<H>, replaced: Option<Version>) {
        self.count += 1;
        self.notes.push(Note { key, number: self.count, pair, replaced });
    }

    /// Puts the notes in the order of the keys, and leaves one of each.
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

    /// The end of an edit: what has changed, by key. `gone` has the versions of keys without an entry.
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
        // M4: a reset of what is empty is to be sent, too.
        if self.notes.is_empty() && !(self.shares && self.reset.is_some()) {
            return None;
        }
        self.crowded = FEW;
        let notes = std::mem::take(&mut self.notes);
        Some(KeyedChanges::sorted(notes.into_iter().map(|note| (note.key, note.pair))))
    }

    /// M1: what this store has touched is to be sent, whatever comes of it.
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

    /// Takes what was touched since the last seal, and whether everything was replaced.
    pub(super) fn seal(&mut self) -> (Tree<K, Version>, bool) {
        let (touched, reset) = self.forget_open();
        self.replaced = touched.clone();
        (touched, reset.is_some())
    }

    /// Takes what was touched since the last seal, and, if everything was replaced, what stood there before.
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

    /// What the open transaction of this store has written replaces an entry in this version.
    pub(super) fn set_before(&mut self, key: &K, version: Version) {
        if let Some((_, before)) = self.touched.get_mut(key) {
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
            // What was in between is dropped by the list, which is user code.
            std::mem::swap(&mut first.pair.new, &mut later.pair.new);
            first.replaced = first.replaced.or(later.replaced);
        }
        is_same
    });
}
