//! Edits between stores: the store that makes them seals them, and the others join them.

use std::mem;

use super::{Keyed, Row, open};
use crate::collections::changes::Handle;
use crate::collections::tree::Tree;
use crate::merge::{Edit, Version, Which};
use crate::panics::FirstPanic;

/// M2, M3, M4: whether an edit wins against a put or a removal in the version `held`, and against the last reset.
fn is_newer(version: Version, held: Option<Version>, floor: Version) -> bool {
    version >= floor && held.is_none_or(|held| version > held)
}

impl<K: Ord + Clone, H: Handle> Keyed<K, H> {
    #[expect(clippy::type_complexity, reason = "the type of a closure, which an alias would hide")]
    /// As [`seal_held`](Self::seal_held), but shows items.
    pub(in crate::collections) fn seal(
        &mut self,
        version: Version,
        show: &mut dyn FnMut(Edit<&K, &H::Item>),
    ) {
        self.seal_held(version, &mut |edit| match edit {
            Edit::Put(key, held) => show(Edit::Put(key, held.item())),
            Edit::Remove(key) => show(Edit::Remove(key)),
            Edit::Reset => show(Edit::Reset),
        });
    }

    /// M1: each key that was written gets this version, and is passed to `show` once, with its present content.
    pub(in crate::collections) fn seal_held(
        &mut self,
        version: Version,
        show: &mut dyn FnMut(Edit<&K, &H>),
    ) {
        let Some(log) = self.log.as_deref_mut().filter(|log| log.shares) else { return };
        let ((touched, reset), former) = log.seal(&self.gone);
        self.newest = self.newest.max(version.clock);
        // A panic at one key keeps no other from being sealed.
        let mut panics = FirstPanic::NONE;
        if reset.is_some() {
            // M4: entries after the reset have its version.
            self.floor = version;
            let gone = mem::take(&mut self.gone);
            panics.guard(|| drop(gone));
            show(Edit::Reset);
            for at in 0..self.rows.len() {
                panics.guard(|| {
                    if let Some(key) = self.rows.nth(at).map(|(key, _)| key.clone()) {
                        self.seal_entry(&key, version, show);
                    }
                });
            }
        } else {
            for (key, _) in touched.iter() {
                panics.guard(|| self.seal_entry(key, version, show));
            }
        }
        panics.guard(|| drop(touched));
        panics.guard(|| drop(reset));
        panics.guard(|| drop(former));
        panics.resume();
    }

    fn seal_entry(&mut self, key: &K, version: Version, show: &mut dyn FnMut(Edit<&K, &H>)) {
        if let Some((_, row)) = self.rows.get_mut(key) {
            row.version = version;
            show(Edit::Put(key, &row.held));
            self.gone.remove(key);
        } else {
            // This includes a key that was put and removed again, because an arriving edit may have put it.
            show(Edit::Remove(key));
            self.gone.insert(key.clone(), version);
        }
    }

    /// The open transaction has no net effect and no version: the keys that it wrote keep their old versions.
    pub(in crate::collections) fn revert(&mut self) {
        let Some(log) = &mut self.log else { return };
        let (touched, reset) = log.forget_open();
        let mut versions: Vec<_> =
            touched.iter().map(|(key, before)| (key.clone(), *before)).collect();
        if let Some(before) = reset {
            let is_touched = |key: &K| touched.get(key).is_some();
            let untouched = before.iter().filter(|(key, _)| !is_touched(key));
            versions.extend(untouched.map(|(key, row)| (key.clone(), row.version)));
        }
        for (key, version) in versions {
            if let Some((_, row)) = self.rows.get_mut(&key) {
                row.version = version;
            }
        }
    }

    /// Applies an edit of another store. Returns whether it won.
    pub(in crate::collections) fn join(
        &mut self,
        edit: Edit<K, H::Item>,
        version: Version,
    ) -> bool {
        self.newest = self.newest.max(version.clock);
        match edit {
            Edit::Reset => self.join_reset(version),
            Edit::Put(key, item) => self.join_held(key, H::new(item), version),
            Edit::Remove(key) => {
                let wins = self.wins(&key, version);
                if wins && !self.is_below(&key, version) {
                    self.join_row(key.clone(), None);
                    self.gone.insert(key, version);
                }
                wins
            }
        }
    }

    /// As [`join`](Self::join), for a put.
    pub(in crate::collections) fn join_held(&mut self, key: K, held: H, version: Version) -> bool {
        self.newest = self.newest.max(version.clock);
        if let Some(wins) = self.join_to_row(&key, &held, version) {
            return wins;
        }
        let wins = self.wins(&key, version);
        if wins && !self.is_below(&key, version) {
            let forgotten = key.clone();
            self.join_row(key, Some(Row { held, version }));
            self.gone.remove(&forgotten);
        }
        wins
    }

    /// As [`join_held`](Self::join_held), for a key that has a row, which is searched once. `None` if it has none, or if the
    /// open transaction has written it.
    fn join_to_row(&mut self, key: &K, held: &H, version: Version) -> Option<bool> {
        let log = open(&mut self.log).filter(|log| !log.is_written(key))?;
        log.make_room();
        let (noted, new) = (key.clone(), held.clone());
        let (_, row) = self.rows.get_mut(key)?;
        let wins = is_newer(version, Some(row.version), self.floor);
        if wins {
            let old = mem::replace(row, Row { held: held.clone(), version });
            log.note_joined(noted, Some(old.held), Some(new));
            self.gone.remove(key);
        }
        Some(wins)
    }

    /// M2, M3, M4: an edit wins against an older put, an older removal and an older reset.
    fn wins(&self, key: &K, version: Version) -> bool {
        let open = self.log.as_ref().and_then(|log| log.before(key));
        let held = || self.rows.get(key).map(|row| row.version).or(self.gone.get(key).copied());
        is_newer(version, open.or_else(held), self.floor)
    }

    /// Whether the open transaction has written the key. Then its value stays above an arriving one (rule 19).
    fn is_below(&mut self, key: &K, version: Version) -> bool {
        let Some(log) = self.log.as_deref_mut().filter(|log| log.is_written(key)) else {
            return false;
        };
        log.set_before(key, version);
        true
    }

    pub(super) fn join_row(&mut self, key: K, row: Option<Row<H>>) {
        let log = open(&mut self.log);
        let noted = log.map(|log| {
            log.make_room();
            (key.clone(), row.as_ref().map(|row| row.held.clone()), log)
        });
        let old = match row {
            Some(row) => self.rows.insert(key, row),
            None => self.rows.remove(&key).map(|(_, row)| row),
        };
        if let Some((key, new, log)) = noted {
            log.note_joined(key, old.map(|row| row.held), new);
        }
    }

    /// M4: removes everything below the floor.
    fn join_reset(&mut self, version: Version) -> bool {
        if version <= self.floor {
            return false;
        }
        self.floor = version;
        let is_open = |key| self.log.as_ref().is_some_and(|log| log.is_written(key));
        let below = self.rows.iter().filter(|(key, row)| row.version < version && !is_open(key));
        for key in below.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.join_row(key, None);
        }
        self.forget(|removed| removed < version);
        true
    }

    fn forget(&mut self, is_over: impl Fn(Version) -> bool) {
        let over = self.gone.iter().filter(|(_, removed)| is_over(**removed));
        for key in over.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.gone.remove(&key);
        }
    }

    #[expect(clippy::type_complexity, reason = "the type of a closure, which an alias would hide")]
    pub(in crate::collections) fn show(
        &self,
        which: &Which<'_, K>,
        show: &mut dyn FnMut(Edit<&K, &H::Item>, Version),
    ) {
        if self.floor != Version::NEVER {
            show(Edit::Reset, self.floor);
        }
        match which {
            Which::All => {
                for (key, row) in self.rows.iter() {
                    show(Edit::Put(key, row.held.item()), row.version);
                }
                for (key, removed) in self.gone.iter() {
                    show(Edit::Remove(key), *removed);
                }
            }
            Which::Keys(keys) => {
                for key in *keys {
                    if let Some(row) = self.rows.get(key) {
                        show(Edit::Put(key, row.held.item()), row.version);
                    } else if let Some(removed) = self.gone.get(key) {
                        show(Edit::Remove(key), *removed);
                    }
                }
            }
        }
    }

    pub(in crate::collections) fn blank(&mut self) {
        *self = Self::new();
    }

    /// Replaces everything by these entries. Those at the beginning that are put in the order of their keys, as another
    /// collection shows them, make up the tree at once.
    pub(in crate::collections) fn begin_with(
        &mut self,
        reset: Option<Version>,
        entries: Vec<(K, Version, Option<H::Item>)>,
    ) {
        self.blank();
        if let Some(reset) = reset {
            self.join(Edit::Reset, reset);
        }
        let mut rows: Vec<(K, Row<H>)> = Vec::with_capacity(entries.len());
        let mut entries = entries.into_iter();
        let next = entries.by_ref().find_map(|(key, version, item)| match item {
            Some(item)
                if version >= self.floor && rows.last().is_none_or(|(last, _)| *last < key) =>
            {
                self.newest = self.newest.max(version.clock);
                rows.push((key, Row { held: H::new(item), version }));
                None
            }
            item => Some((key, version, item)),
        });
        self.rows = Tree::from_sorted(rows);
        for (key, version, item) in next.into_iter().chain(entries) {
            match item {
                Some(item) => self.join(Edit::Put(key, item), version),
                None => self.join(Edit::Remove(key), version),
            };
        }
    }

    /// Rule 6, for one entry: its version is put back to just below the one that the last seal has replaced.
    pub(in crate::collections) fn disown(&mut self, key: &K) {
        let replaced = self.log.as_ref().and_then(|log| log.replaced(key));
        let version = replaced.unwrap_or_default().just_below();
        if let Some((_, row)) = self.rows.get_mut(key) {
            row.version = version;
        } else if let Some((_, removed)) = self.gone.get_mut(key) {
            *removed = version;
        }
    }

    pub(in crate::collections) fn sweep(&mut self, clock: u64) {
        self.forget(|removed| removed.clock <= clock);
        // Otherwise the floor is kept: a store that pauses the collection after it has answered a mark may miss the reset.
        if clock == u64::MAX {
            self.floor = Version::NEVER;
        }
    }
}
