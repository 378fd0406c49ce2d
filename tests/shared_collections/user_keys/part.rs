//! A key or an item of which one call of its code panics.

use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::thread;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

thread_local! {
    /// The number of calls of user code until one panics.
    pub(super) static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Panics if it is the turn of this call.
fn step() {
    let left = LEFT.try_with(Cell::get).ok().flatten();
    if left == Some(0) {
        LEFT.set(None);
        panic!("broken on purpose");
    }
    if left.is_some() {
        LEFT.set(left.map(|left| left - 1));
    }
}

/// A key or an item.
#[derive(Debug)]
pub(super) struct Part(pub(super) u8);

impl Clone for Part {
    fn clone(&self) -> Self {
        step();
        Self(self.0)
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        step();
        self.0 == other.0
    }
}

impl Eq for Part {}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        step();
        self.0.cmp(&other.0)
    }
}

impl Hash for Part {
    fn hash<H: Hasher>(&self, state: &mut H) {
        step();
        self.0.hash(state);
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        step();
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let part = u8::deserialize(deserializer)?;
        step();
        Ok(Self(part))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !thread::panicking() {
            step();
        }
    }
}
