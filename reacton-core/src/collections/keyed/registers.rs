//! What a collection of registers needs beside puts and removals: rows that end without a trace, and rows that are put back.

use super::{Keyed, Row};
use crate::collections::changes::Handle;
use crate::merge::Version;

impl<K: Ord + Clone, H: Handle> Keyed<K, H> {
    /// What a key holds, and since which version.
    pub(in crate::collections) fn row(&self, key: &K) -> Option<(H, Version)> {
        self.rows.get(key).map(|row| (row.held.clone(), row.version))
    }

    /// Whether it is remembered that the key was removed.
    pub(in crate::collections) fn is_removed(&self, key: &K) -> bool {
        self.gone.get(key).is_some()
    }

    /// Forgets that a key was removed.
    pub(in crate::collections) fn forget_removal(&mut self, key: &K) {
        self.gone.remove(key);
    }

    /// Removes an entry because of something else, of which other stores learn instead.
    pub(in crate::collections) fn discard(&mut self, key: &K) {
        if self.rows.get(key).is_some() {
            self.join_row(key.clone(), None);
        }
    }

    /// Forgets what the open transaction has touched.
    pub(in crate::collections) fn forget_edits(&mut self) {
        if let Some(log) = &mut self.log {
            let _forgotten = log.forget_open();
        }
    }

    /// Makes a key hold what it held before, which is no edit.
    pub(in crate::collections) fn put_back(&mut self, key: K, before: Option<(H, Version)>) {
        match before {
            Some((held, version)) => drop(self.rows.insert(key, Row { held, version })),
            None => drop(self.rows.remove(&key)),
        }
    }
}
