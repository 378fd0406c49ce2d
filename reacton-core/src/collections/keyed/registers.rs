//! Additional operations for lists: registers that are removed without a tombstone, or restored without an edit.

use super::{Keyed, Row};
use crate::collections::changes::Handle;
use crate::merge::Version;

impl<K: Ord + Clone, H: Handle> Keyed<K, H> {
    /// The content of a key, and its version.
    pub(in crate::collections) fn row(&self, key: &K) -> Option<(H, Version)> {
        self.rows.get(key).map(|row| (row.held.clone(), row.version))
    }

    /// Whether the key has a tombstone.
    pub(in crate::collections) fn is_removed(&self, key: &K) -> bool {
        self.gone.get(key).is_some()
    }

    /// The version of the tombstone of a key, if it has one.
    pub(in crate::collections) fn removal(&self, key: &K) -> Option<Version> {
        self.gone.get(key).copied()
    }

    /// Removes the tombstone of a key.
    pub(in crate::collections) fn forget_removal(&mut self, key: &K) {
        self.gone.remove(key);
    }

    /// Removes an entry without a tombstone, because another edit tells other stores about it.
    pub(in crate::collections) fn discard(&mut self, key: &K) {
        if self.rows.get(key).is_some() {
            self.join_row(key.clone(), None);
        }
    }

    /// Forgets the edits of the open transaction.
    pub(in crate::collections) fn forget_edits(&mut self) {
        if let Some(log) = &mut self.log {
            let _forgotten = log.forget_open();
        }
    }

    /// Restores the old content of a key, which is not an edit.
    pub(in crate::collections) fn put_back(&mut self, key: K, before: Option<(H, Version)>) {
        match before {
            Some((held, version)) => drop(self.rows.insert(key, Row { held, version })),
            None => drop(self.rows.remove(&key)),
        }
    }
}
