//! The maps that are compared, behind a common trait.

use std::collections::BTreeMap;

/// A row of 48 bytes.
pub(super) type Row = [u64; 6];

pub(super) type Ours = reacton::ReactonMap<u64, Row>;
pub(super) type Imbl = imbl::OrdMap<u64, Row>;
pub(super) type Rpds = rpds::RedBlackTreeMapSync<u64, Row>;
pub(super) type Std = BTreeMap<u64, Row>;

/// A sorted map.
pub(super) trait Map: Default + 'static {
    fn put(&mut self, key: u64, row: Row);
    fn take(&mut self, key: u64);
    fn row(&self, key: u64) -> Option<&Row>;
    /// Returns the sum of the first numbers of all rows.
    fn sum(&self) -> u64;
}

/// A map with a clone of constant time.
pub(super) trait Persistent: Map + Clone {}

/// A map that finds entries by position.
pub(super) trait Ranked: Map {
    fn at(&self, position: u64) -> Option<&Row>;
    fn position(&self, key: u64) -> usize;
}

impl Persistent for Ours {}
impl Persistent for Imbl {}
impl Persistent for Rpds {}

impl Map for Ours {
    fn put(&mut self, key: u64, row: Row) {
        self.insert(key, row);
    }

    fn take(&mut self, key: u64) {
        self.remove(&key);
    }

    fn row(&self, key: u64) -> Option<&Row> {
        self.get(&key)
    }

    fn sum(&self) -> u64 {
        self.values().map(|row| row[0]).sum()
    }
}

impl Ranked for Ours {
    fn at(&self, position: u64) -> Option<&Row> {
        self.nth(usize::try_from(position).ok()?).map(|(_, row)| row)
    }

    fn position(&self, key: u64) -> usize {
        self.rank(&key)
    }
}

impl Map for Imbl {
    fn put(&mut self, key: u64, row: Row) {
        self.insert(key, row);
    }

    fn take(&mut self, key: u64) {
        self.remove(&key);
    }

    fn row(&self, key: u64) -> Option<&Row> {
        self.get(&key)
    }

    fn sum(&self) -> u64 {
        self.values().map(|row| row[0]).sum()
    }
}

impl Map for Rpds {
    fn put(&mut self, key: u64, row: Row) {
        self.insert_mut(key, row);
    }

    fn take(&mut self, key: u64) {
        self.remove_mut(&key);
    }

    fn row(&self, key: u64) -> Option<&Row> {
        self.get(&key)
    }

    fn sum(&self) -> u64 {
        self.values().map(|row| row[0]).sum()
    }
}

impl Map for Std {
    fn put(&mut self, key: u64, row: Row) {
        self.insert(key, row);
    }

    fn take(&mut self, key: u64) {
        self.remove(&key);
    }

    fn row(&self, key: u64) -> Option<&Row> {
        self.get(&key)
    }

    fn sum(&self) -> u64 {
        self.values().map(|row| row[0]).sum()
    }
}
