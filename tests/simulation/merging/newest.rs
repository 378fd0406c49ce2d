//! The expected final content of a map: for each key the newest of all writes, unless a reset is newer.

use std::collections::{BTreeMap, BTreeSet};

use reacton::Version;

/// The writes of one transaction to a map.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) touched: BTreeSet<Option<u8>>,
    /// It has also removed a member of a family, which ends its observers.
    pub(super) removes_member: bool,
}

impl Written {
    pub(super) fn touch(&mut self, key: u8) {
        self.touched.insert(Some(key));
    }

    /// The map was replaced as a whole.
    pub(super) fn reset(&mut self) {
        self.touched.insert(None);
    }
}

#[derive(Debug, Default)]
pub(super) struct Newest {
    reset: Version,
    entries: BTreeMap<u8, (Version, Option<u16>)>,
}

impl Newest {
    /// The content before anything has a version.
    pub(super) fn begin<'r>(&mut self, rows: impl Iterator<Item = (&'r u8, &'r u16)>) {
        self.entries = rows.map(|(key, value)| (*key, (Version::NEVER, Some(*value)))).collect();
    }

    /// Called after a transaction was committed; `get` finds the values that it wrote.
    pub(super) fn write(
        &mut self,
        version: Version,
        written: &Written,
        get: impl Fn(&u8) -> Option<u16>,
    ) {
        let is_reset = written.touched.contains(&None);
        if is_reset {
            self.reset = self.reset.max(version);
        }
        // Everything that is in the map after a reset has the version of the reset.
        let keys = (0..=u8::MAX)
            .filter(|key| written.touched.contains(&Some(*key)) || is_reset && get(key).is_some());
        for key in keys {
            let entry = self.entries.entry(key).or_default();
            *entry = (version, get(&key)).max(*entry);
        }
    }

    pub(super) fn compare(&self, rows: impl Iterator<Item = (u8, u16)>) {
        let expected = self.entries.iter().filter(|(_, (version, _))| *version >= self.reset);
        let expected = expected.filter_map(|(key, (_, value))| Some((*key, (*value)?)));
        let expected: BTreeMap<_, _> = expected.collect();
        assert_eq!(rows.collect::<BTreeMap<_, _>>(), expected, "the newest of all writes");
    }
}
