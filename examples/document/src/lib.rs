//! A text that several stores write at once: a document of [yrs](https://docs.rs/yrs) as the value of a reacton.
//!
//! A write travels as an update of the document, which is a few bytes. Updates can be merged in any order. So the
//! document itself implements the rules that the library has for values made of entries; this file connects the two.

use std::fmt;
use std::sync::Arc;

use reacton::Version;
use reacton::collections::{Compose, Edit, Merge, Which, Writer};
use yrs::updates::decoder::Decode;
use yrs::{
    Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Text, TextRef, Transact,
    TransactionMut, Update, WriteTxn,
};

/// The text, as the value of a reacton: `#[reacton(merge)] static TEXT: Document = Document::new();`.
///
/// Positions are counted in UTF-16 units, as editors in browsers do. A position behind the end means the end. A
/// document should begin empty: if each store inserts an initial text, the text is there once for each store.
pub struct Document {
    doc: Doc,
    text: TextRef,
    log: Option<Log>,
}

/// The updates that were written.
#[derive(Clone)]
struct Log {
    writer: Writer,
    /// All updates since `begin`, written here or in other stores.
    told: Vec<Arc<[u8]>>,
    /// Updates that this store has written since they were sealed last.
    unsealed: Vec<Arc<[u8]>>,
    /// The number of the last update that was sealed.
    number: u64,
}

/// Identifies an update: the site that wrote it, and its number at that site.
pub type Name = (u64, u64);

/// Stands for the whole document.
const STATE: Name = (0, 0);

impl Document {
    /// Returns an empty text.
    #[must_use]
    pub fn new() -> Self {
        // The doc chooses a random number under which it writes: no two docs may share one.
        let doc =
            Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::default() });
        let text = doc.get_or_insert_text("text");
        Self { doc, text, log: None }
    }

    /// Returns the whole text.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }

    /// Returns the number of UTF-16 units.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.text.len(&self.doc.transact())
    }

    /// Returns whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Inserts a text before the position `at`.
    pub fn insert(&mut self, at: u32, text: &str) {
        if !text.is_empty() {
            self.edit(|held, doc| held.insert(doc, at.min(held.len(doc)), text));
        }
    }

    /// Removes `units` units from the position `at` on.
    pub fn remove(&mut self, at: u32, units: u32) {
        let units = units.min(self.len().saturating_sub(at));
        if units > 0 {
            self.edit(|held, doc| held.remove_range(doc, at, units));
        }
    }

    fn edit(&mut self, edit: impl FnOnce(&TextRef, &mut TransactionMut<'_>)) {
        let mut doc = self.doc.transact_mut();
        edit(&self.text, &mut doc);
        let update: Arc<[u8]> = doc.encode_update_v1().into();
        if let Some(log) = &mut self.log {
            log.told.push(Arc::clone(&update));
            if log.writer.shares {
                log.unsealed.push(update);
            }
        }
    }

    fn state(&self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    /// Applies an update. Returns whether it contained anything new.
    fn apply(&mut self, update: &[u8]) -> bool {
        let Ok(decoded) = Update::decode_v1(update) else { return false };
        let mut doc = self.doc.transact_mut();
        if doc.apply_update(decoded).is_err() {
            return false;
        }
        // yrs 0.28 tries what waits only after some of the updates that complete it.
        if let Some(waiting) = doc.prune_pending()
            && doc.apply_update(waiting).is_err()
        {
            return false;
        }
        let is_new = doc.before_state() != doc.after_state() || !doc.delete_set().is_empty();
        // An update that builds on one that has not arrived yet waits for it.
        is_new || doc.has_missing_updates()
    }
}

impl Merge for Document {
    type Key = Name;
    type Item = Vec<u8>;
    type Changes = Updates;

    fn begin(&mut self, writer: Writer) {
        let log = self.log.take().filter(|_| writer.shares);
        let (unsealed, number) = log.map_or((Vec::new(), 0), |log| (log.unsealed, log.number));
        self.log = Some(Log { writer, told: Vec::new(), unsealed, number });
    }

    fn settle(&mut self) -> Option<Updates> {
        let told = std::mem::take(&mut self.log.as_mut()?.told);
        (!told.is_empty()).then_some(Updates(told))
    }

    /// Text that others write at the same time stays, because a document cannot remove it.
    fn replace(&mut self, other: Self) {
        self.restore(&other);
    }

    fn restore(&mut self, other: &Self) {
        let text = other.text();
        if self.text() != text {
            self.remove(0, u32::MAX);
            self.insert(0, &text);
        }
    }

    fn everything(&self) -> Updates {
        Updates(if self.is_empty() { Vec::new() } else { vec![self.state().into()] })
    }

    fn seal(&mut self, _: Version, show: &mut dyn FnMut(Edit<&Name, &Vec<u8>>)) {
        let Some(log) = &mut self.log else { return };
        for update in std::mem::take(&mut log.unsealed) {
            log.number += 1;
            show(Edit::Put(&(log.writer.site, log.number), &update.to_vec()));
        }
    }

    fn join(&mut self, edit: Edit<Name, Vec<u8>>, _: Version) -> bool {
        let Edit::Put(_, update) = edit else { return false };
        let is_new = self.apply(&update);
        if is_new && let Some(log) = &mut self.log {
            log.told.push(update.into());
        }
        is_new
    }

    /// Shows the whole document, whichever updates are asked for: showing more than necessary does no harm.
    fn show(&self, which: Which<'_, Name>, show: &mut dyn FnMut(Edit<&Name, &Vec<u8>>, Version)) {
        if !matches!(which, Which::Keys([])) {
            show(Edit::Put(&STATE, &self.state()), Version::NEVER);
        }
    }

    /// An update is bytes, which can always be sent.
    fn disown(&mut self, _: &Name) {}
}

impl Clone for Document {
    /// Copies the text into a new document, in time that grows with the text. The clone of a [`Doc`] would be the same
    /// document.
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.apply(&self.state());
        copy.log.clone_from(&self.log);
        copy
    }
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.text()).finish()
    }
}

/// Updates in order, for a file or for another replica.
#[derive(Debug, Clone)]
pub struct Updates(Vec<Arc<[u8]>>);

impl Compose for Updates {
    // Each update contains something new, so nothing is compared.
    type Value = ();
    type Change = Arc<[u8]>;

    fn then(&mut self, later: &Self) {
        self.0.extend_from_slice(&later.0);
    }

    fn drop_equal(&mut self, _: &mut dyn FnMut(&(), &()) -> bool) {}

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn list(&self) -> Vec<Arc<[u8]>> {
        self.0.clone()
    }
}
